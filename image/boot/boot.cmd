# U-Boot's script: chooses the slot and counts its tries, by the variables of RAUC's "uboot" backend
# (BOOT_ORDER, BOOT_A_LEFT, BOOT_B_LEFT). They lie in a raw block of 16 KiB, 1 MiB into the medium:
# the FAT is never written here, so that no power cut can tear it.
test -n "${devtype}" || setenv devtype mmc
test -n "${devnum}" || setenv devnum 0
# memory begins at 0 on a Raspberry Pi, at 0x40000000 on QEMU's machine virt
setenv base 0
test "x${board_name}" = "xqemu-arm" && setenv base 0x40000000
test "x${board}" = "xqemu-arm" && setenv base 0x40000000
setexpr kernel_a ${base} + 0x00200000
setexpr initrd_a ${base} + 0x05000000
setexpr tree_a ${base} + 0x05e00000
setexpr block_a ${base} + 0x05f00000
setexpr packed_a ${base} + 0x08000000
setenv read_block "${devtype} dev ${devnum}; ${devtype} read ${block_a} 0x800 0x20; env import -c ${block_a} 0x4000 BOOT_ORDER BOOT_A_LEFT BOOT_B_LEFT"
setenv write_block "env export -c -s 0x4000 ${block_a} BOOT_ORDER BOOT_A_LEFT BOOT_B_LEFT; ${devtype} write ${block_a} 0x800 0x20"

# a block that was never written, or was torn, is as good as a new one
setenv BOOT_ORDER
setenv BOOT_A_LEFT
setenv BOOT_B_LEFT
run read_block
test -n "${BOOT_ORDER}" || setenv BOOT_ORDER "A B"
test -n "${BOOT_A_LEFT}" || setenv BOOT_A_LEFT 3
test -n "${BOOT_B_LEFT}" || setenv BOOT_B_LEFT 3

# the firmware's description of the board, with the command line of cmdline.txt in it
fdt addr ${fdt_addr}
fdt get value given_args /chosen bootargs
fdt move ${fdt_addr} ${tree_a} 0x100000

setenv slot
for one in "${BOOT_ORDER}"; do
  if test -n "${slot}"; then
    true
  elif test "x${one}" = "xA"; then
    if test 0x${BOOT_A_LEFT} -gt 0; then
      setexpr BOOT_A_LEFT ${BOOT_A_LEFT} - 1
      setenv left ${BOOT_A_LEFT}
      setenv slot A
      setenv part 2
    fi
  elif test "x${one}" = "xB"; then
    if test 0x${BOOT_B_LEFT} -gt 0; then
      setexpr BOOT_B_LEFT ${BOOT_B_LEFT} - 1
      setenv left ${BOOT_B_LEFT}
      setenv slot B
      setenv part 3
    fi
  fi
done
if test -z "${slot}"; then
  echo "centralino: no slot has a try left: both begin again"
  setenv BOOT_A_LEFT 3
  setenv BOOT_B_LEFT 3
  run write_block
  reset
fi
run write_block

echo "centralino: slot ${slot}; tries left: A ${BOOT_A_LEFT}, B ${BOOT_B_LEFT}"
part uuid ${devtype} ${devnum}:${part} slot_uuid
# whoever watches a trial where no data partition remembers it knows one by its having no try left
setenv bootargs "${given_args} root=PARTUUID=${slot_uuid} rauc.slot=${slot} centralino.left=${left} ro rootwait panic=10"
# booti unpacks the kernel by way of packed_a and puts it back where it was loaded
if load ${devtype} ${devnum}:${part} ${kernel_a} /boot/vmlinuz.gz; then
  setenv kernel_comp_addr_r ${packed_a}
  setenv kernel_comp_size ${filesize}
  if load ${devtype} ${devnum}:${part} ${initrd_a} /boot/initrd.img; then
    booti ${kernel_a} ${initrd_a}:${filesize} ${tree_a}
  fi
fi
echo "centralino: slot ${slot} does not start"
sleep 1
reset
