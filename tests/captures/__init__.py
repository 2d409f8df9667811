"""Byte logs of real modems, and their reader."""
