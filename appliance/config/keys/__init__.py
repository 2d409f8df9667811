"""What each key of centralino.toml is: sentences, units, limits; the reference made of them."""
