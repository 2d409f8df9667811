#!/bin/sh
# Says what is skipped and why; where nothing may be skipped (CENTRALINO_NO_SKIP=1) it fails.
echo "skipped: $1: $2"
[ "${CENTRALINO_NO_SKIP:-}" != 1 ]
