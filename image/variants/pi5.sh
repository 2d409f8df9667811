# shellcheck shell=sh disable=SC2034 # read by image/common.sh
# Raspberry Pi 5, EXPERIMENTAL: RP1, which carries its USB, Ethernet and header, has a driver in the
# kernel of backports alone. What is another here than in the ordinary image; docs/image.md says why.
label=pi5-experimental
name=centralino-pi5-experimental
compatible=centralino-pi5-arm64
# Debian's RAUC 1.13 cannot read dm-verity's status on a kernel since 6.19 (rauc#1842): the signature
# is over the bundle as a whole, which is read to its end before anything is written.
format=plain
more_packages=squashfs-tools # by which RAUC reads the manifest of a bundle of that format
kernel_line=7.3
kernel_suite=trixie-backports
firmware=               # its first stage is in the board's own EEPROM
trees="bcm2712-rpi-5-b bcm2712-d-rpi-5-b"
# the stepping D0 has its own tree, which Raspberry Pi's kernel and Debian's call by two names
second_name=bcm2712d0-rpi-5-b=bcm2712-d-rpi-5-b
imager="pi5-64bit"
title="Centralino, experimental for Raspberry Pi 5"
experimental="Raspberry Pi 5"
