"""A card as numbered blocks of 512 bytes: an image file, or a device that is a card and that nobody uses."""

import fcntl
import os
import shlex
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from host.errors import BadInput, HostFailure
from host.listen.card import BLOCK

UNIT = 0x80000  # a card of high capacity tells its size in these
_MOUNTS = Path("/proc/self/mountinfo")
_SYS = Path("/sys/dev/block")


class Blocks:
    """An open card.

    Attributes:
        path: as it was given, for errors.
        count: blocks that it has.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor
        self.count = os.lseek(descriptor, 0, os.SEEK_END) // BLOCK

    def read(self, first: int, count: int = 1) -> bytes:
        """`count` blocks from `first` on.

        Raises:
            BadInput: the card has not so many.
            HostFailure: they cannot be read.
        """
        self._require(first, count)
        try:
            data = os.pread(self._descriptor, BLOCK * count, BLOCK * first)
        except OSError as error:
            raise self._failure("read", first, error) from error
        if len(data) != BLOCK * count:
            raise self._failure("read", first, OSError("it ends there"))
        return data

    def write(self, first: int, data: bytes) -> None:
        """Whole blocks from `first` on.

        Raises:
            BadInput: the card has not so many.
            HostFailure: they cannot be written.
        """
        assert len(data) % BLOCK == 0
        self._require(first, len(data) // BLOCK)
        try:
            written = 0
            while written < len(data):
                written += os.pwrite(self._descriptor, data[written:], BLOCK * first + written)
        except OSError as error:
            raise self._failure("written", first, error) from error

    def flush(self) -> None:
        """Have all that was written reach the card.

        Raises:
            HostFailure: it does not.
        """
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            raise self._failure("written", 0, error) from error

    def _require(self, first: int, count: int) -> None:
        if first < 0 or count < 0 or first + count > self.count:
            raise BadInput(
                f"{self.path} has no such blocks: what lies on it is damaged",
                evidence=f"Received: blocks {first} to {first + count - 1}, of {self.count}",
                next_step="check the volume with `fsck.fat`, or format the card anew",
            )

    def _failure(self, what: str, block: int, error: OSError) -> HostFailure:
        return HostFailure(
            f"a block of {self.path} cannot be {what}",
            evidence=f"block {block}: {error.strerror or error}",
            next_step="put the card in again, or try another one",
        )


@contextmanager
def opened(path: Path, *, write: bool = False, named: Path | None = None) -> Iterator[Blocks]:
    """The card at `path`, which nobody else uses meanwhile; errors behind that call it `named`, where it will be.

    Raises:
        BadInput: it is neither an image nor a card's device, or somebody uses it.
    """
    try:
        about = path.stat()
    except OSError as error:
        raise BadInput(
            "there is no such card",
            evidence=f"Received: {path}: {error.strerror}",
            next_step="`nightjar sdcard make FILE` makes an image; `lsblk` names devices",
        ) from error
    if stat.S_ISDIR(about.st_mode):
        raise _folder(path)
    if stat.S_ISBLK(about.st_mode):
        require_card(path, about.st_rdev)
    elif not stat.S_ISREG(about.st_mode):
        raise BadInput("a card is an image file or a block device", evidence=f"Received: {path}")
    elif about.st_size == 0 or about.st_size % UNIT:
        raise BadInput(
            f"the image of a card is a multiple of {UNIT} bytes",
            evidence=f"Received: {path} with {about.st_size}",
            next_step="`nightjar sdcard make FILE` makes one",
        )
    flags = (os.O_RDWR if write else os.O_RDONLY) | os.O_CLOEXEC
    # A device that is mounted cannot be had alone: the kernel refuses it even where we have looked too early.
    flags |= os.O_EXCL if stat.S_ISBLK(about.st_mode) else 0
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        raise BadInput(
            "the card cannot be opened",
            evidence=f"Received: {path}: {error.strerror}",
            next_step="a device wants its group's rights (disk), or sudo",
        ) from error
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_EX if write else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise BadInput(
            "the card is in use: a virtual board has it, or another nightjar",
            evidence=f"Received: {path}",
            next_step="`nightjar board down NAME` ends a board",
        ) from error
    try:
        yield Blocks(named or path, descriptor)
    finally:
        os.close(descriptor)


def _folder(path: Path) -> BadInput:
    """The refusal of a folder, which names the card that is mounted there, if it is one."""
    whole = path.resolve()
    inside = [(device, where) for device, where in _mounts() if whole.is_relative_to(where)]
    device, where = max(inside, key=lambda one: len(one[1].parts), default=("", whole))
    card = _card_of(Path(device)) if device.startswith("/dev/") else None
    return BadInput(
        "a folder is no card: the index lies in front of the volume, where no file system reaches",
        evidence=f"Received: {path}" + (f", on {device}, mounted at {where}" if device else ""),
        next_step=f"`sudo umount {shlex.quote(str(where))}`, then give the whole device, {card}"
        if card is not None
        else "give an image file, which `nightjar sdcard make FILE` makes, or a card's whole device: `lsblk` shows it",
    )


def _card_of(partition: Path) -> Path | None:
    """The device of a card, of which this is the device of a partition; None where it is no card's."""
    try:
        about = _SYS / "{}:{}".format(*_numbers(partition))
        whole = about.resolve().parent if (about / "partition").exists() else about.resolve()
    except OSError:
        return None
    return Path("/dev") / whole.name if _is_removable(whole) else None


def _numbers(device: Path) -> tuple[int, int]:
    number = device.stat().st_rdev
    return os.major(number), os.minor(number)


def _mounts() -> list[tuple[str, Path]]:
    """What is mounted where: the device's name, and the folder."""
    found = []
    for line in _MOUNTS.read_text().splitlines() if _MOUNTS.exists() else ():
        words = line.split(" ")
        where = words[4].encode().decode("unicode_escape")
        found.append((words[words.index("-") + 2], Path(where)))
    return found


def require_card(path: Path, number: int, *, sys: Path = _SYS) -> None:
    """Refuse a block device that is no card that can be taken out, or that is in use.

    Args:
        path: for the message, and to be found among what is mounted.
        number: of the device.
        sys: where the kernel tells of block devices.

    Raises:
        BadInput: saying which.
    """
    about = sys / f"{os.major(number)}:{os.minor(number)}"
    if (about / "partition").exists():
        raise BadInput(
            "a partition is no card: the index lies in front of it",
            evidence=f"Received: {path}",
            next_step="give the whole device: of /dev/sdb1 that is /dev/sdb",
        )
    if not _is_removable(about):
        raise BadInput(
            "this device cannot be taken out: it is no memory card",
            evidence=f"Received: {path}, of which the kernel says removable {_text(about / 'removable') or 'nothing'}",
            next_step="`lsblk -o NAME,RM,SIZE,MODEL` shows which device is the card",
        )
    held = sorted(one.name for one in about.glob("holders/*")) if about.exists() else []
    names = [path.resolve(), *(Path("/dev") / one.name for one in _partitions(about))]
    mounted = [(device, where) for device, where in _mounts() if Path(device) in names]
    if mounted or held:
        shown = ", ".join(f"{device} on {where}" for device, where in mounted)
        raise BadInput(
            "the card is in use",
            evidence=f"Received: {path}: {shown or 'held by ' + ', '.join(held)}",
            next_step=f"`umount {mounted[0][1]}`" if mounted else "release it",
        )


def _is_removable(about: Path) -> bool:
    return _text(about / "removable") == "1" or _text(about / "device" / "type") == "SD"


def _partitions(about: Path) -> list[Path]:
    return [one.parent for one in about.glob("*/partition")]


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
