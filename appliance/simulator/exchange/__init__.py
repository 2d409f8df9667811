"""A telephone exchange in software: analog lines, each ending in a V.253 voice modem on a PTY.

For the demonstration, the tests and the field test; the product never imports it. Its
personalities, DLE tables, country tones, DTMF and FSK generators are its own reading of the
standard, so that a misreading in `modem` or `dsp` meets a second opinion.
"""
