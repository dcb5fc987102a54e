"""A hostile zip costs no more than it may hold."""

import io
import tracemalloc
import zipfile

import pytest

from host.zips import DAMAGED, opened, unpacked


def packed(*members: tuple[str, bytes], kind: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", kind) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return stream.getvalue()


def test_what_is_unpacked_is_what_was_packed() -> None:
    for kind in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        with opened(packed(("a", b"abc"), ("b", b""), kind=kind), 2) as archive:
            assert [unpacked(archive, name) for name in ("a", "b")] == [b"abc", b""]


def lying(size: int) -> bytes:
    """A zip of one member of zeros, of which both entries say that it has 100 bytes."""
    data = packed(("a", bytes(size)))
    return data.replace(size.to_bytes(4, "little"), (100).to_bytes(4, "little"))


def test_no_more_is_unpacked_than_the_entry_says() -> None:
    data = lying(64 << 20)
    assert len(data) < 100_000
    tracemalloc.start()
    with pytest.raises(DAMAGED), opened(data, 1) as archive:
        unpacked(archive, "a")
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 1 << 20


def test_a_member_that_is_shorter_than_its_entry_says() -> None:
    data = packed(("a", bytes(1000)))
    longer = data.replace((1000).to_bytes(4, "little"), (5000).to_bytes(4, "little"))
    with pytest.raises(DAMAGED), opened(longer, 1) as archive:
        unpacked(archive, "a")


@pytest.mark.parametrize(
    ("data", "most", "says"),
    [
        (packed(("a", b""), ("b", b"")), 1, "2 members"),
        (packed(*((str(i), b"") for i in range(9))), 2, "more than 2 members"),
        (packed(("a", b""), ("b", b"")).replace(b"b", b"a"), 2, "have a name alone"),
        (packed(("a", b"x" * 99), kind=zipfile.ZIP_LZMA), 1, "another way than by deflate"),
        (b"no zip", 1, "not a zip file"),
    ],
)
def test_what_is_refused_before_anything_is_unpacked(data: bytes, most: int, says: str) -> None:
    with pytest.raises(DAMAGED, match=says), opened(data, most):
        pass
