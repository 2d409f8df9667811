"""The control socket of call control: commands, replies, one handler module a concept."""
