"""An ELF against the record of its build."""

import os
import subprocess
from pathlib import Path

import pytest

from host.elf_record import check_recorded, record_path, write_record
from host.errors import HostFailure, IdentityFailure
from host.files import sha256_bytes


@pytest.fixture
def elf(tmp_path: Path) -> Path:
    path = tmp_path / "build" / "nightjar.elf"
    path.parent.mkdir()
    path.write_bytes(b"\x7fELF as it was linked")
    write_record(path)
    return path


def test_what_is_recorded_is_its_hash(elf: Path) -> None:
    assert check_recorded(elf) == sha256_bytes(elf.read_bytes())
    assert record_path(elf).name == "nightjar.elf.sha256"
    command = ["sha256sum", "--check", "--strict", record_path(elf).name]
    subprocess.run(command, cwd=elf.parent, check=True, capture_output=True)


def test_any_other_byte_is_identity_with_both_hashes(elf: Path) -> None:
    linked = elf.read_bytes()
    for place in range(len(linked)):
        changed = bytes([*linked[:place], linked[place] ^ 1, *linked[place + 1 :]])
        elf.write_bytes(changed)
        with pytest.raises(IdentityFailure, match="not the one that was linked") as failure:
            check_recorded(elf)
        assert sha256_bytes(linked) in failure.value.evidence
        assert sha256_bytes(changed) in failure.value.evidence
        assert failure.value.exit_code == 15
    write_record(elf)
    check_recorded(elf)


NO_RECORDS = (
    *(None, b"", b"\n", b"\xff\xfe", b"{hash}\n", b"{hash}  other.elf\n"),
    *(b"{hash} nightjar.elf\n", b"{hash}  nightjar.elf\nmore\n", b"{HASH}  nightjar.elf\n"),
)


@pytest.mark.parametrize("record", NO_RECORDS)
def test_no_record_is_identity(elf: Path, record: bytes | None) -> None:
    digest = check_recorded(elf).encode()
    record_path(elf).unlink()
    if record is not None:
        text = record.replace(b"{hash}", digest).replace(b"{HASH}", digest.upper())
        record_path(elf).write_bytes(text)
    with pytest.raises(IdentityFailure, match="not recorded: build again") as failure:
        check_recorded(elf)
    assert str(elf.parent) in failure.value.next_step


def test_no_elf_is_no_verdict(tmp_path: Path) -> None:
    with pytest.raises(HostFailure, match="cannot be read"):
        check_recorded(tmp_path / "nightjar.elf")


@pytest.mark.parametrize("endless", ["device", "sparse"])
def test_a_record_of_any_size_is_no_record(elf: Path, endless: str) -> None:
    record_path(elf).unlink()
    if endless == "device":
        record_path(elf).symlink_to("/dev/zero")
    else:
        record_path(elf).touch()
        os.truncate(record_path(elf), 1 << 40)
    with pytest.raises(IdentityFailure, match="not recorded: build again"):
        check_recorded(elf)
