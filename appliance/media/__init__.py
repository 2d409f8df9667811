"""The process that carries the sound: single-threaded, real-time when allowed."""
