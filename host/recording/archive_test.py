"""The zip of a recording: the same bytes for the same members, and no member that no recording has."""

import io
import stat
import zipfile

import pytest

from host.recording import archive
from host.zips import DAMAGED


def test_members_come_back_and_give_the_same_bytes() -> None:
    members = {"manifest.json": b"{}", "subject/labels.txt": b"wren\n", "frames.bin": bytes(999)}
    members["project/generated/network.c"] = b"/* */"
    data = archive.pack(members)
    assert archive.unpack(data) == members
    assert archive.pack(dict(reversed(members.items()))) == data
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        assert opened.namelist()[0] == "manifest.json"


def entry(name: str, mode: int = stat.S_IFREG | 0o644) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as opened:
        info = zipfile.ZipInfo(name)
        info.create_system, info.external_attr = 3, mode << 16
        opened.writestr(info, b"x")
    return stream.getvalue()


@pytest.mark.parametrize(
    "name",
    [
        "../manifest.json",
        "/etc/passwd",
        "subject/../frames.bin",
        "subject/a/b",
        "subject/",
        "subject/..",
        "subject\\a",
        "project/build/other.elf",
        "project/generated/",
        "project/generated/a/b",
        "project/generated/..",
        "notes.txt",
        "MANIFEST.json",
        "frames.bin\n",
    ],
)
def test_a_name_that_no_recording_has(name: str) -> None:
    with pytest.raises(DAMAGED, match="no recording has"):
        archive.unpack(entry(name))


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFDIR, stat.S_IFIFO, stat.S_IFCHR])
def test_a_member_that_is_no_plain_file(kind: int) -> None:
    with pytest.raises(DAMAGED, match="no plain file"):
        archive.unpack(entry("frames.bin", kind | 0o644))


def test_more_than_a_recording_may_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    members = {"frames.bin": bytes(600), "console.bin": bytes(401)}
    monkeypatch.setattr(archive, "MOST_UNPACKED", 1001)
    assert archive.unpack(archive.pack(members)) == members
    monkeypatch.setattr(archive, "MOST_UNPACKED", 1000)
    with pytest.raises(DAMAGED, match="members of 1,001 bytes; at most 1,000"):
        archive.unpack(archive.pack(members))
