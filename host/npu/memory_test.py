"""Regions of pools, and the files that fill them."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.errors import BadInput
from host.npu.generated import Pool, read_generated
from host.npu.memory import Region, images_of, read_hex, read_image, regions_of
from host.npu.testing.code import FLASH, Code


def pool(address: int, size: int, writable: bool = True) -> Pool:
    return Pool(0, "P", "p", address, size, writable, True)


def test_pools_that_touch_are_one_region() -> None:
    """A tensor may lie across banks; a pool ends a few bytes before its bank does."""
    pools = [pool(0x1000, 4088), pool(0x2000, 4096), pool(0x4000, 64), pool(0x9000, 0)]
    assert regions_of(pools) == (Region(0x1000, 0x2000, True), Region(0x4000, 64, True))


def test_a_pool_over_others_adds_nothing() -> None:
    pools = [pool(0x1000, 256), pool(0x1000, 512), pool(0x1100, 256)]
    assert regions_of(pools) == (Region(0x1000, 512, True),)


def test_constants_beside_memory_stay_constants() -> None:
    pools = [pool(0x1000, 256), pool(0x1100, 256, writable=False)]
    assert regions_of(pools) == (Region(0x1000, 256, True), Region(0x1100, 256, False))


@pytest.mark.parametrize(
    "name", ["network_atonbuf.xSPI2.raw", "network_data.xSPI2.bin", "anything.xSPI2.raw"]
)
def test_an_image_is_found_by_its_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"weights")
    (tmp_path / "network_atonbuf.other.raw").write_bytes(b"other")
    (image,) = images_of(read_generated(Code(flash=True).write(tmp_path)))
    assert (image.address, image.content) == (FLASH, b"weights")


def test_an_image_has_the_name_of_its_network(tmp_path: Path) -> None:
    (tmp_path / "network_atonbuf.xSPI2.raw").write_bytes(b"first")
    (tmp_path / "network_test_atonbuf.xSPI2.raw").write_bytes(b"second")
    for name, content in (("network.c", b"first"), ("network_test.c", b"second")):
        (image,) = images_of(read_generated(Code(flash=True).write(tmp_path, name)))
        assert image.content == content


def test_two_images_that_differ_are_refused(tmp_path: Path) -> None:
    (tmp_path / "network_atonbuf.xSPI2.raw").write_bytes(b"first")
    (tmp_path / "network_data.xSPI2.bin").write_bytes(b"first")
    code = read_generated(Code(flash=True).write(tmp_path))
    assert len(images_of(code)) == 1
    (tmp_path / "network_data.xSPI2.bin").write_bytes(b"other")
    with pytest.raises(BadInput, match="which file fills") as caught:
        images_of(code)
    assert "network_data.xSPI2.bin" in caught.value.evidence


def test_a_missing_image_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no image of pool pool2") as caught:
        images_of(read_generated(Code(flash=True).write(tmp_path)))
    assert "network_atonbuf.xSPI2.raw" in caught.value.next_step


def record(kind: int, address: int, data: bytes) -> str:
    raw = bytes([len(data), address >> 8, address & 0xFF, kind]) + data
    return ":" + (raw + bytes([-sum(raw) % 256])).hex().upper()


def lines(address: int, data: bytes) -> list[str]:
    made = []
    for at in range(0, len(data), 16):
        place = address + at
        made.append(record(4, 0, (place >> 16).to_bytes(2, "big")))
        made.append(record(0, place & 0xFFFF, data[at : at + 16]))
    return made


@given(st.binary(min_size=1, max_size=200), st.binary(min_size=1, max_size=50))
def test_hex_files_say_their_addresses(first: bytes, second: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "network_data.hex"
        text = [*lines(FLASH + 0xFFF0, first), *lines(FLASH + 0x20000, second), record(1, 0, b"")]
        path.write_text("\n".join(text))
        images = [(image.address, image.content) for image in read_hex(path)]
    assert images == [(FLASH + 0xFFF0, first), (FLASH + 0x20000, second)]


def test_a_hex_file_stands_for_an_image(tmp_path: Path) -> None:
    text = "\n".join([*lines(FLASH, b"weights"), record(1, 0, b"")])
    (tmp_path / "network_data.hex").write_text(text)
    (image,) = images_of(read_generated(Code(flash=True).write(tmp_path)))
    assert (image.address, image.content) == (FLASH, b"weights")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "cut off"),
        (":00000001FF\n:zz", None),
        ("hello", "colon"),
        (":0400000001020304F3\n:00000001FF", "checksum"),
        (":040000000102", "as long as it says"),
        (":0", "non-hexadecimal|fromhex"),
    ],
)
def test_a_damaged_hex_file_is_refused(tmp_path: Path, text: str, said: str | None) -> None:
    path = tmp_path / "x.hex"
    path.write_text(text)
    if said is None:  # nothing counts behind the end
        assert read_hex(path) == ()
        return
    with pytest.raises(BadInput, match=said):
        read_hex(path)


def test_raw_bytes_need_an_address(tmp_path: Path) -> None:
    path = tmp_path / "weights.bin"
    path.write_bytes(b"1234")
    (image,) = read_image(path, FLASH)
    assert (image.address, image.content) == (FLASH, b"1234")
    with pytest.raises(BadInput, match="does not say its address"):
        read_image(path, None)
