"""The memory of a generated network: its regions, and the files that fill them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from host.errors import BadInput
from host.npu.generated import GeneratedCode, Pool
from host.reading import read_file

MOST_IMAGE = 512 << 20  # bytes
_LINE = 64  # a pool ends a few bytes before its memory does


@dataclass(frozen=True)
class Region:
    """Memory [address, address + size)."""

    address: int
    size: int
    writable: bool


@dataclass(frozen=True)
class Image:
    """Bytes at an address."""

    address: int
    content: bytes
    path: Path


def regions_of(pools: Sequence[Pool]) -> tuple[Region, ...]:
    """The pools that a network may use, those that touch or overlap as one."""
    merged: list[Region] = []
    for pool in sorted((pool for pool in pools if pool.size), key=lambda pool: pool.address):
        end = -(-(pool.address + pool.size) // _LINE) * _LINE
        last = merged[-1] if merged else None
        if last is None or pool.address > last.address + last.size:
            merged.append(Region(pool.address, end - pool.address, pool.writable))
            continue
        if pool.address == last.address + last.size and pool.writable != last.writable:
            merged.append(Region(pool.address, end - pool.address, pool.writable))
            continue
        size = max(end, last.address + last.size) - last.address
        merged[-1] = Region(last.address, size, last.writable or pool.writable)
    return tuple(merged)


def images_of(code: GeneratedCode) -> tuple[Image, ...]:
    """The images beside a network.c, by the names that stedgeai gives them.

    For a pool with postfix P and a network.c these are network_atonbuf.P.raw, network_data.P.bin or
    the like, or one file in Intel's hex format that says its addresses itself.

    Raises:
        BadInput: a pool of constants has no image, or it cannot be told which.
    """
    folder, stem = code.path.parent, code.path.stem
    images: list[Image] = []
    for pool in code.pools:
        if pool.writable or not pool.used:
            continue
        named = [file for suffix in ("raw", "bin") for file in _named(folder, pool, suffix)]
        own = [file for file in named if _is_of(file, stem)] or named
        if not own:
            continue
        if len({file.read_bytes() for file in own}) > 1:
            raise BadInput(
                f"it cannot be told which file fills pool {pool.name} ({pool.postfix})",
                evidence=f"Received: {', '.join(file.name for file in own)}",
                next_step="name the image and its address",
            )
        images.append(Image(pool.address, read_file(own[0], "image", MOST_IMAGE), own[0]))
    filled = {image.address for image in images}
    empty = [pool for pool in code.pools if not pool.writable and pool.used]
    empty = [pool for pool in empty if pool.address not in filled]
    if empty:
        texts = sorted(folder.glob("*.hex"))
        own = [file for file in texts if _is_of(file, stem)] or texts
        if len(own) != 1:
            raise BadInput(
                f"no image of pool {empty[0].name} ({empty[0].postfix}) beside {code.path.name}",
                evidence=f"Received: {[file.name for file in texts] or 'no .raw, .bin or .hex'}",
                next_step=f"put {stem}_atonbuf.{empty[0].postfix}.raw beside it, or name the image",
            )
        images += read_hex(own[0])
    return tuple(images)


def read_image(path: Path, address: int | None) -> tuple[Image, ...]:
    """An image: raw bytes at an address, or Intel's hex format, which says its addresses.

    Raises:
        BadInput: it cannot be read, or its address is not known.
    """
    if path.suffix.lower() in (".hex", ".ihex"):
        return read_hex(path)
    if address is None:
        raise BadInput(
            f"{path.name} does not say its address",
            evidence="Received: no address",
            next_step="name the address of the image, as in FILE@0x71000000",
        )
    return (Image(address, read_file(path, "image", MOST_IMAGE), path),)


def read_hex(path: Path) -> tuple[Image, ...]:
    """The stretches of a file in Intel's hex format.

    Raises:
        BadInput: it is damaged.
    """
    stretches: list[tuple[int, bytearray]] = []
    base = 0
    for number, line in enumerate(read_file(path, "image", MOST_IMAGE).splitlines(), 1):
        try:
            kind, address, data = _record(line.strip())
        except ValueError as error:
            raise BadInput(
                f"{path.name} is damaged: {error}",
                evidence=f"Received: line {number}: {line[:80]!r}",
                next_step="generate it again",
            ) from None
        if kind == 0:
            address += base
            if stretches and address == stretches[-1][0] + len(stretches[-1][1]):
                stretches[-1][1].extend(data)
            else:
                stretches.append((address, bytearray(data)))
        elif kind in (2, 4):
            base = int.from_bytes(data, "big") << (4 if kind == 2 else 16)
        elif kind == 1:
            return tuple(Image(start, bytes(held), path) for start, held in stretches)
    raise BadInput(
        f"{path.name} is cut off: it has no end record",
        evidence=f"Received: {len(stretches)} stretches",
        next_step="generate it again",
    )


def _record(line: bytes) -> tuple[int, int, bytes]:
    """Kind, address and data of a line."""
    if line[:1] != b":":
        raise ValueError("a line does not start with a colon")
    raw = bytes.fromhex(line[1:].decode("ascii", "replace"))
    if len(raw) < 5 or len(raw) != raw[0] + 5:
        raise ValueError("a line is not as long as it says")
    if sum(raw) % 256:
        raise ValueError("the checksum of a line does not match")
    return raw[3], int.from_bytes(raw[1:3], "big"), raw[4:-1]


def _named(folder: Path, pool: Pool, suffix: str) -> list[Path]:
    return sorted(folder.glob(f"*.{pool.postfix}.{suffix}"))


def _is_of(file: Path, stem: str) -> bool:
    return file.name.split(".")[0] in (stem, f"{stem}_atonbuf", f"{stem}_data")
