"""One file that a technician edits on the card, and what the box makes of it at each start.

`centralino.toml` on the FAT partition: the configuration's own tables, and what else a new box
must be told once (network, SSH key, passwords). What decides is pure; `apply` and `card` write.
"""
