"""Reference of the commands, made from the command tree: pages of the guides, man pages."""
