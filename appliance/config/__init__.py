"""Configuration: TOML read once into frozen values, all mistakes at once."""
