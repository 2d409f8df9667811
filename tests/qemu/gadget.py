"""USB modems made of the kernel's own gadget side: dummy_hcd, configfs, one ACM function each."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

CONFIGFS = Path("/sys/kernel/config")
GADGETS = CONFIGFS / "usb_gadget"
ENGLISH = "0x409"


def load(modems: int) -> None:
    """Load what the guest needs: so many virtual USB ports, the modem driver, the bus monitor."""
    for module in (["dummy_hcd", f"num={modems}"], ["cdc_acm"], ["libcomposite"], ["usbmon"]):
        subprocess.run(["modprobe", *module], check=True)
    for kind, where in (("configfs", CONFIGFS), ("debugfs", Path("/sys/kernel/debug"))):
        subprocess.run(["mount", "-t", kind, "none", where], check=False)


@dataclass(frozen=True, slots=True)
class Gadget:
    """One modem: `port` is the virtual USB port it is plugged into, from 0 on."""

    name: str
    vendor: str
    product: str
    serial: str
    port: int

    def make(self) -> None:
        """Describe it to the kernel; it is not plugged in yet."""
        folder, config = self.folder, self.folder / "configs" / "c.1"
        (folder / "strings" / ENGLISH).mkdir(parents=True)
        (folder / "idVendor").write_text(self.vendor)
        (folder / "idProduct").write_text(self.product)
        (folder / "strings" / ENGLISH / "serialnumber").write_text(self.serial)
        (folder / "strings" / ENGLISH / "manufacturer").write_text("Conexant")
        (folder / "strings" / ENGLISH / "product").write_text("USB Modem")
        (config / "strings" / ENGLISH).mkdir(parents=True)
        function = folder / "functions" / f"acm.{self.name}"
        function.mkdir()
        (config / function.name).symlink_to(function)

    @property
    def folder(self) -> Path:
        """Its folder in configfs."""
        return GADGETS / self.name

    @property
    def far_end(self) -> Path:
        """The modem's own end of the serial line."""
        number = (self.folder / f"functions/acm.{self.name}/port_num").read_text().strip()
        return Path(f"/dev/ttyGS{number}")

    def plug_in(self) -> None:
        """Plug it into its USB port."""
        (self.folder / "UDC").write_text(f"dummy_udc.{self.port}\n")

    def unplug(self) -> None:
        """Pull it out."""
        (self.folder / "UDC").write_text("\n")
