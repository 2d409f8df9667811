"""Sound as values: codecs, files in memory, tones, detectors and buffers; pure, 8 kHz, mono."""
