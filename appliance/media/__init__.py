"""The media gateway: one real-time process with all sound, modems and RTP."""
