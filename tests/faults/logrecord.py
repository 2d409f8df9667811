"""The form of a log record, as `logdisk.py` (which runs inside nbdkit) writes it."""

import struct

RECORD = struct.Struct("<cQI")
