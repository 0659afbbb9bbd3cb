"""Which names are those of whole disks: what every format counts as a row of ``disk``.

Rules:

* No partitions, nor what lies on other disks or in memory (loop, ram, zram, device-mapper, md), nor drives of discs
  and floppies: they would count the same bytes twice, or none of a disk.
* ``devM-N``, as sysstat without ``-p`` names a device by its numbers, is kept under that name where the numbers are
  those of a whole disk as far as they tell.
* A name that is not known is a whole disk.
"""

import re

_NO_WHOLE_DISK = re.compile(
    r"(loop|ram|zram|sr|fd|dm-|md)\d+.*|(sd|hd|vd|xvd)[a-z]+\d+|(nvme\d+n\d+|mmcblk\d+|nbd\d+|rbd\d+)p\d+"
    r"|nvme\d+c\d+n\d+|mmcblk\d+(boot\d+|rpmb)"
)
_NUMBERED = re.compile(r"dev(\d{1,4})-(\d{1,7})")
_NAME = re.compile(r"[!-~]{1,64}")
#: Kernel's devices.txt: ram, floppy, loop, md, disc drives; and SCSI disks, which have 16 minor numbers each.
_NO_DISK_MAJORS = frozenset({1, 2, 7, 9, 11})
_SCSI_MAJORS = frozenset({8, *range(65, 72), *range(128, 136)})
_MINORS_A_DISK = 16


def is_device_name(name: str) -> bool:
    """Whether this can be the short name of a device at all."""
    return _NAME.fullmatch(name) is not None


def is_whole_disk(name: str) -> bool:
    """Whether a device of this name is a disk of its own."""
    numbered = _NUMBERED.fullmatch(name)
    if numbered:
        major, minor = int(numbered[1]), int(numbered[2])
        return major not in _NO_DISK_MAJORS and not (major in _SCSI_MAJORS and minor % _MINORS_A_DISK)
    return _NO_WHOLE_DISK.fullmatch(name) is None
