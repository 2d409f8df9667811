"""Voicemail on disk: recordings, messages and their recovery; a message is whole or absent."""
