"""Files and JSON of others: each kind of wrong one is refused in words, at once."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.errors import BadInput
from host.reading import DEEPEST, load_json, read_file, read_text


def refusal(path: Path, **more: Any) -> str:
    with pytest.raises(BadInput) as caught:
        read_file(path, "the thing", 10, next_step="do this", **more)
    assert caught.value.next_step == "do this"
    return f"{caught.value.what}; {caught.value.evidence}"


def test_a_file_within_its_limit_is_read(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    assert read_file(path, "the thing", 10) == b"0123456789"
    (tmp_path / "link").symlink_to(path)
    assert read_file(tmp_path / "link", "the thing", 10) == b"0123456789"
    with path.open("ab") as stream:
        stream.write(b"x")
    assert "at most 10 bytes" in refusal(path)


def test_what_is_no_file_is_refused_by_its_kind(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")  # nobody will ever write to it
    (tmp_path / "link").symlink_to(tmp_path / "secret")
    (tmp_path / "secret").write_bytes(b"")
    (tmp_path / "round").symlink_to(tmp_path / "round")
    assert "a FIFO" in refusal(tmp_path / "fifo")
    assert "a folder" in refusal(tmp_path)
    assert "a device" in refusal(Path("/dev/zero"))
    assert "does not exist" in refusal(tmp_path / "absent")
    assert "which is a link" in refusal(tmp_path / "link", follow=False)
    assert "symbolic links" in refusal(tmp_path / "round")
    assert "Not a directory" in refusal(tmp_path / "secret" / "below")


def test_a_terabyte_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as stream:
        stream.truncate(1 << 40)
    assert "1,099,511,627,776 bytes" in refusal(tmp_path / "sparse")


def test_a_file_that_claims_nothing_is_bounded_while_it_is_read() -> None:
    """Files of the kernel have no size."""
    assert "at most 10 bytes" in refusal(Path("/proc/self/maps"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"a": NaN}', "NaN is no finite number"),
        ('{"a": [-Infinity]}', "-Infinity is no finite number"),
        ('{"a": 1e999}', "beyond every finite number"),
        ('{"a": 1, "b": {"c": 2, "c": 3}}', "'c' is there twice"),
        ("[" * 100_000, "levels"),
        ("[" * (DEEPEST + 1) + "]" * (DEEPEST + 1), "levels"),
        ('{"a":' * 100_000, "levels"),
        (r'["\ud800"]', "surrogates not allowed"),
        (r'[{"\udfff": 1}]', "surrogates not allowed"),
        ("", "Expecting value"),
        ("{'a': 1}", "Expecting property name"),
        ("1" * 5000, "digits"),
    ],
)
def test_json_that_is_refused(text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(text)
    for source in (text.encode(), tmp_path / "x.json"):
        with pytest.raises(BadInput, match=r"the thing must be JSON") as caught:
            load_json(source, "the thing")
        assert says in caught.value.evidence
        assert len(caught.value.evidence) < 600


def test_text_is_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes("Zaunkönig\r\n".encode())
    assert read_text(path, "the thing") == "Zaunkönig\r\n"
    path.write_bytes("Zaunkönig".encode("latin-1"))
    with pytest.raises(BadInput, match="UTF-8"):
        read_text(path, "the thing")
    with pytest.raises(BadInput, match="at most 3 bytes"):
        read_text(path, "the thing", limit=3)


def test_json_of_other_encodings_is_refused() -> None:
    for data in ("{}".encode("utf-16"), b'{"a": "\xff"}'):
        with pytest.raises(BadInput, match="must be JSON"):
            load_json(data, "the thing")


def test_json_is_bounded() -> None:
    assert load_json(b"[1, 2]", "the thing", limit=6) == [1, 2]
    with pytest.raises(BadInput) as caught:
        load_json(b"[1, 2]", "the thing", limit=5)
    assert "6 bytes" in caught.value.evidence
    deep: Any = 1
    for _ in range(DEEPEST):
        deep = [deep]
    assert load_json(("[" * DEEPEST + "1" + "]" * DEEPEST).encode(), "the thing") == deep


@given(st.binary(max_size=40))
def test_any_bytes_are_parsed_or_refused(data: bytes) -> None:
    with suppress(BadInput):
        load_json(data, "the thing")
