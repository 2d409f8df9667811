"""The office's written policy as pure functions over frozen values: no clock, file or thread."""
