"""What happens to a file on its way: it is cut off, a byte of it rots, a part of it is lost or is another one."""

import random
from collections.abc import Iterator

from host.recording import archive


def damages(data: bytes, generator: random.Random) -> Iterator[tuple[str, bytes]]:
    """A recording's bytes, damaged in every way once, each with its name."""
    yield "cut off", data[: generator.randrange(len(data))]
    yield "a rotten byte", _rotten(data, generator)
    members = archive.unpack(data)
    lost = generator.choice(sorted(members))
    yield "a lost member", archive.pack({n: one for n, one in members.items() if n != lost})
    # The manifest is held against no hash: it is what names those of the others.
    other = generator.choice(
        sorted(n for n, one in members.items() if one and n != archive.MANIFEST)
    )
    spoiled = members | {other: _rotten(members[other], generator)}
    yield "another member", archive.pack(spoiled)


def _rotten(data: bytes, generator: random.Random) -> bytes:
    rotten = bytearray(data)
    rotten[generator.randrange(len(rotten))] ^= generator.randrange(1, 256)
    return bytes(rotten)
