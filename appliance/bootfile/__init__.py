"""The boot file that a technician edits on the card, and how the box applies it at each start.

`centralino.toml` on the FAT partition holds the configuration's tables and the first settings of a
new box (network, SSH key, passwords). `values` and `read` are pure; `apply` and `card` write.
"""
