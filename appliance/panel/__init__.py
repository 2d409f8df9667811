"""LEDs and buttons."""
