"""Tables as spreadsheets write them, each made here."""

import contextlib
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.errors import BadInput
from model_gen.data.table import Row, parse, read_table

TEXT = (
    "Path;Split;LABELS;Recordist\r\nMönch\\a.WAV;Train;Mönch|Fitis;Ärn\r\nx/b.wav;VALIDATION;;\r\n"
)
WANT = (
    Row(2, "Mönch\\a.WAV", "train", ("Fitis", "Mönch"), "Ärn"),
    Row(3, "x/b.wav", "val", (), ""),
)


@pytest.mark.parametrize(
    "encoding",
    [
        *("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1", "cp1252"),
        *("utf-32", "utf-32-le", "utf-32-be"),
    ],
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("first", ["", "sep"])
def test_what_a_spreadsheet_writes_is_read(
    encoding: str, delimiter: str, first: str, tmp_path: Path
) -> None:
    text = TEXT.replace(";", delimiter)
    if first:
        text = f"sep={delimiter}\r\n{text}"
    (tmp_path / "t.csv").write_bytes(text.encode(encoding))
    table = read_table(tmp_path / "t.csv")
    want = tuple(Row(r.line + bool(first), *_rest(r)) for r in WANT)
    assert table.rows == want
    assert table.splits


def _rest(row: Row) -> tuple[str, str, tuple[str, ...] | None, str]:
    return row.path, row.split, row.labels, row.recordist


def test_paths_match_in_other_case_slashes_and_unicode_form() -> None:
    table = parse(TEXT, Path("t.csv"))
    nfd = "Mo\u0308nch/A.wav"
    assert table.match([nfd, "y/c.wav"]) == {nfd: WANT[0]}
    exact = ["x/b.wav", "x/B.wav"]
    assert table.match(exact) == {"x/b.wav": WANT[1]}


def test_a_present_cell_counts_and_an_absent_one_does_not() -> None:
    table = parse("path,labels\na,\nb\nc, wren | robin|wren\n\n,,\n", Path("t.csv"))
    assert [row.labels for row in table.rows] == [(), None, ("robin", "wren")]
    assert not table.splits


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("path,split\na,train\nb,both\n", 3, "'both'"),
        ("path,split\n,train\n", 2, "no path"),
        ("path,split\na,train\nx, y.wav,train\n", 3, "3 cells, for 2 columns"),
        ('path,split\na,train\n"b,train\n', 3, "unexpected end"),
        ('path,split\n"' + "x" * 200_000, 2, "limit"),
        ("path\na\n", 1, "path"),
        ("split,labels\na,b\n", 1, "split, labels"),
        ("path,label\na,b\n", 1, "path, label"),
        ("path,split,path\na,train,b\n", 1, "path, split, path"),
        ("", 1, "nothing"),
    ],
)
def test_a_line_that_makes_no_sense_is_named(text: str, line: int, said: str) -> None:
    with pytest.raises(BadInput, match="split file") as caught:
        parse(text, Path("t.csv"))
    assert f"t.csv, line {line}:" in caught.value.evidence
    assert said in caught.value.evidence


@pytest.mark.parametrize("text", ["path,split\n", "path;labels\n;\n\n", "sep=;\npath;labels"])
def test_a_table_of_no_recording_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="names one recording in each line") as caught:
        parse(text, Path("t.csv"))
    assert "t.csv, which has no such line" in caught.value.evidence


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"PK\x03\x04\x14\0\0\0\x08\0", ".xlsx"),
        (bytes.fromhex("d0cf11e0a1b11ae1"), ".xls"),
        (b"RIFF$2\0\0WAVEfmt ", "sound (RIFF)"),
        (b"fLaC\0\0\0\x22", "sound (FLAC)"),
        (b"\x1f\x8b\x08\0", "gzip"),
        (b"path,split\na\0b,train\n", "the byte 0"),
        (bytes(range(1, 9)), "the byte 1"),
    ],
)
def test_what_is_no_text_is_named(data: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "t").write_bytes(data)
    with pytest.raises(BadInput, match="must be text") as caught:
        read_table(tmp_path / "t")
    assert said in caught.value.evidence
    assert "CSV in UTF-8" in caught.value.next_step


def test_a_mistyped_column_is_named_with_the_one_that_was_meant() -> None:
    with pytest.raises(BadInput) as caught:
        parse("path,recordists\na,b\n", Path("t.csv"))
    assert caught.value.next_step == "name the column recordist, not recordists"


@pytest.mark.parametrize(
    ("text", "known", "said"),
    [
        ("path,split\nA,train\n", ["a", "ä", "a/b", "./a"], "line 2: A, which may be ./a or a"),
        ("path,split\na,train\nA,val\n", ["a"], "line 3: A again; it stands in line 2"),
    ],
)
def test_rows_that_fit_not_one_recording_are_named(text: str, known: list[str], said: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse(text, Path("t.csv")).match(known)
    assert said in caught.value.evidence


@given(st.binary(max_size=200))
def test_any_bytes_are_a_table_or_bad_input(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.csv"
        path.write_bytes(b"path,split\n" + data)
        with contextlib.suppress(BadInput):
            assert all(row.path for row in read_table(path).rows)


@pytest.mark.parametrize("header", ["path,split,quality,place", "path,split,,"])
def test_other_columns_are_no_labels(header: str) -> None:
    table = parse(f"{header}\nwren/a.wav,train,p0,bad\n", Path("t.csv"))
    (row,) = table.rows
    assert (row.labels, row.split) == (None, "train")
