# shellcheck shell=sh disable=SC2034 # read by image/common.sh
# The ordinary image: Raspberry Pi 3, 3+, 4, 400, CM3, CM4 and Zero 2 W.
label=pi                # VARIANT= in the slot's /etc/centralino-release
name=centralino         # what its files begin with
compatible=centralino-pi-arm64
format=verity           # of its updates, as RAUC calls them
more_packages=          # beside image/packages, with commas
kernel_line=6.12        # what image/boot/modules is written for
kernel_suite=           # "": the release's own
firmware="bootcode.bin start.elf fixup.dat start4.elf fixup4.dat"
# The boards, by the names of their trees.
trees="bcm2837-rpi-3-a-plus bcm2837-rpi-3-b bcm2837-rpi-3-b-plus bcm2837-rpi-zero-2-w bcm2837-rpi-cm3-io3
       bcm2711-rpi-4-b bcm2711-rpi-400 bcm2711-rpi-cm4-io"
second_name=            # of a tree, where firmware may ask for it by another
# Imager's names: 3, 3+, Zero 2 W and CM3 are the first; 4, 400 and CM4 the second.
imager="pi3-64bit pi4-64bit"
title=Centralino
experimental=           # "": no; else what it is called
