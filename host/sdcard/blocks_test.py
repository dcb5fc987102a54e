"""Which files and devices are taken for a card."""

import os
from pathlib import Path

import pytest

from host.errors import BadInput
from host.sdcard.blocks import UNIT, opened, require_card
from host.sdcard.image import LEAST, MOST, make_image


def device(sys: Path, *, removable: str = "1", kind: str = "") -> Path:
    about = sys / "8:16"
    (about / "sdb" / "sdb1").mkdir(parents=True)
    (about / "removable").write_text(f"{removable}\n")
    if kind:
        (about / "device").mkdir()
        (about / "device" / "type").write_text(f"{kind}\n")
    return about


def refused(sys: Path, path: Path = Path("/dev/sdb")) -> str:
    with pytest.raises(BadInput) as caught:
        require_card(path, os.makedev(8, 16), sys=sys)
    return str(caught.value)


def test_a_disk_that_cannot_be_taken_out_is_refused(tmp_path: Path) -> None:
    device(tmp_path, removable="0")
    assert "cannot be taken out" in refused(tmp_path)


def test_a_device_that_the_kernel_says_nothing_of_is_refused(tmp_path: Path) -> None:
    assert "removable nothing" in refused(tmp_path)


@pytest.mark.parametrize(("removable", "kind"), [("1", ""), ("0", "SD")])
def test_a_card_is_one_by_its_reader_or_by_its_kind(
    tmp_path: Path, removable: str, kind: str
) -> None:
    device(tmp_path, removable=removable, kind=kind)
    require_card(Path("/dev/sdb"), os.makedev(8, 16), sys=tmp_path)


def test_a_partition_is_refused(tmp_path: Path) -> None:
    (device(tmp_path) / "partition").write_text("1\n")
    assert "of /dev/sdb1 that is /dev/sdb" in refused(tmp_path)


def test_a_card_that_is_held_is_refused(tmp_path: Path) -> None:
    (device(tmp_path) / "holders" / "dm-0").mkdir(parents=True)
    assert "held by dm-0" in refused(tmp_path)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="a folder is no card") as caught, opened(tmp_path):
        pass
    assert "umount" not in caught.value.next_step


@pytest.mark.parametrize("removable", ["0", "1"])
def test_of_a_folder_of_a_card_its_device_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, removable: str
) -> None:
    """And that of the computer's own disk never."""
    about = device(tmp_path / "devices", removable=removable)
    about.rename(tmp_path / "devices" / "sdb")
    partition = tmp_path / "devices" / "sdb" / "sdb" / "sdb1"
    (partition / "partition").write_text("1\n")
    partition.rename(tmp_path / "devices" / "sdb" / "sdb1")
    (tmp_path / "8:17").symlink_to(tmp_path / "devices" / "sdb" / "sdb1")
    where = tmp_path / "media" / "MY CARD"
    (where / "below").mkdir(parents=True)
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n"
        f"2 1 8:17 / {str(where).replace(' ', chr(92) + '040')} rw - vfat /dev/sdb1 rw\n"
    )
    monkeypatch.setattr("host.sdcard.blocks._MOUNTS", mounts)
    monkeypatch.setattr("host.sdcard.blocks._SYS", tmp_path)
    monkeypatch.setattr("host.sdcard.blocks._numbers", lambda one: (8, int(one.name[3:]) + 16))
    with pytest.raises(BadInput) as caught, opened(where / "below"):
        pass
    assert f"on /dev/sdb1, mounted at {where}" in caught.value.evidence
    named = (
        caught.value.next_step == f"`sudo umount '{where}'`, then give the whole device, /dev/sdb"
    )
    assert named == (removable == "1")


@pytest.mark.parametrize("size", [0, UNIT - 512])
def test_a_file_of_another_size_is_refused(tmp_path: Path, size: int) -> None:
    (tmp_path / "card").write_bytes(bytes(size))
    with pytest.raises(BadInput, match="multiple of"), opened(tmp_path / "card"):
        pass


def test_no_file_and_something_else_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such card"), opened(tmp_path / "card"):
        pass
    os.mkfifo(tmp_path / "pipe")
    with (
        pytest.raises(BadInput, match="an image file or a block device"),
        opened(tmp_path / "pipe"),
    ):
        pass


def test_a_card_that_another_has_is_refused(tmp_path: Path) -> None:
    make_image(tmp_path / "card", LEAST)
    with (
        opened(tmp_path / "card", write=True),
        pytest.raises(BadInput, match="in use"),
        opened(tmp_path / "card"),
    ):
        pass


def test_an_image_is_made_once_and_takes_little_room(tmp_path: Path) -> None:
    make_image(tmp_path / "card", MOST)
    about = (tmp_path / "card").stat()
    assert about.st_size == MOST
    assert about.st_blocks * 512 < 1 << 20
    with pytest.raises(BadInput, match="nothing is written over"):
        make_image(tmp_path / "card", LEAST)


@pytest.mark.parametrize("size", [LEAST - UNIT, LEAST + 512, MOST + UNIT])
def test_an_image_of_another_size_is_refused(tmp_path: Path, size: int) -> None:
    with pytest.raises(BadInput, match="an image has 64 MiB to 32 GiB"):
        make_image(tmp_path / "card", size)
    assert not (tmp_path / "card").exists()
