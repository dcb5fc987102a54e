"""Scores come back from their files as they were; what is none is refused."""

import importlib.util
import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from host.errors import BadInput, HostFailure
from host.installed import setup_command
from model_gen.teaching import parquet
from model_gen.teaching.files import check_suffix, read_scores, write_scores
from model_gen.teaching.match_test import scores
from model_gen.teaching.scores import Scores

FORMS = [
    ".npz",
    pytest.param(
        ".parquet",
        marks=pytest.mark.skipif(
            importlib.util.find_spec("pyarrow") is None, reason="needs the extra parquet"
        ),
    ),
]
SAID = scores(
    [("11" * 32, "a/x.wav", 0.1), ("", "b/ü.wav", -1.5)],
    embedding=np.array([[1, np.nan, 3, 4], [5, 6, 7, 8]], np.float32),
    identity="me",
)


def check_same(one: Scores, other: Scores) -> None:
    for field in fields(Scores):
        np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("embeds", [True, False])
def test_scores_come_back(tmp_path: Path, form: str, embeds: bool) -> None:
    said = SAID if embeds else replace(SAID, embedding=None)
    path = tmp_path / f"x{form}"
    write_scores(path, said)
    check_same(read_scores(path), said)
    again = tmp_path / f"y{form}"
    write_scores(again, read_scores(path))
    assert again.read_bytes() == path.read_bytes()


@pytest.mark.parametrize("form", FORMS)
def test_what_is_damaged_or_something_else_is_refused(tmp_path: Path, form: str) -> None:
    path = tmp_path / f"x{form}"
    write_scores(path, SAID)
    content = path.read_bytes()
    for wrong in (b"", b"PK", content[: len(content) // 2]):
        path.write_bytes(wrong)
        with pytest.raises(BadInput, match=path.name):
            read_scores(path)
    with pytest.raises(BadInput, match="nothing"):
        read_scores(tmp_path / f"nothing{form}")


def test_a_file_of_ones_own_needs_no_more_than_it_must_say(tmp_path: Path) -> None:
    path = tmp_path / "own.npz"
    held = {"path": ["x"], "start_seconds": [0.0], "scores": [[0.5, 1.0]], "labels": ["a", "b"]}
    np.savez(path, **held)  # type: ignore[arg-type]
    found = read_scores(path)
    assert (found.window_seconds, found.kind, found.sha256.tolist()) == (3.0, "scores", [""])
    held["scores"] = [[0.5, 7.0]]
    np.savez(path, **held)  # type: ignore[arg-type]
    with pytest.raises(BadInput, match=r"own\.npz"):
        read_scores(path)
    np.savez(path, scores=[[0.5]])
    with pytest.raises(BadInput, match="no labels, sha256, start_seconds"):
        read_scores(path)


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("scores", [[0.5 + 1j, 1.0]], "complex128"),
        ("labels", [b"a", b"b"], r"labels \|S1"),
        ("start_seconds", [np.nan], "nan in row 0"),
        ("window_seconds", 0.0, r"Received: .*: 0\.0"),
    ],
)
def test_what_would_be_taken_for_something_else_is_refused(
    tmp_path: Path, field: str, value: Any, told: str
) -> None:
    path = tmp_path / "own.npz"
    held = {"path": ["x"], "start_seconds": [0.0], "scores": [[0.5, 1.0]], "labels": ["a", "b"]}
    np.savez(path, **{**held, field: value})
    with pytest.raises(BadInput, match=told):
        read_scores(path)


def test_a_value_beyond_float32_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "own.npz"
    np.savez(path, path=["x"], start_seconds=[0.0], scores=[[1e300]], labels=["a"], kind="logits")
    assert read_scores(path).silent == 1


def test_a_table_of_somebody_else_is_read_by_its_fields(tmp_path: Path) -> None:
    """Texts and numbers of other widths, columns of their own, and nulls, which shift no row."""
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet

    path, said = tmp_path / "own.parquet", {b"nightjar": b'{"labels": ["a", "b"]}'}
    columns = {
        "sha256": pa.array(["11", None, "22"], pa.large_string()),
        "path": pa.array(["x", "y", "z"]).dictionary_encode(),
        "start_seconds": pa.array([0, 1, 2]),
        "scores": pa.array([[0.25, None], None, [0.5, 1]], pa.large_list(pa.float64())),
        "ok": pa.array([True, False, True]),
    }

    def written(**more: Any) -> Path:
        table = pa.table({**columns, **more}).replace_schema_metadata(said)
        pyarrow.parquet.write_table(table, path)
        return path

    found = read_scores(written())
    assert found.sha256.tolist() == ["11", "", "22"]
    assert found.path.tolist() == ["x", "y", "z"]
    assert found.start_seconds.tolist() == [0, 1, 2]
    nan = np.nan
    np.testing.assert_array_equal(found.scores, [[0.25, nan], [nan, nan], [0.5, 1]])
    for wrong, told in (
        ({"scores": pa.array([[0.5], None, [0.1, 0.2, 0.3]])}, "lists of 1 to 3 values"),
        ({"scores": pa.array([0.1, 0.2, 0.3])}, r"own\.parquet"),
        ({"start_seconds": pa.array(["a", "b", "c"])}, r"own\.parquet"),
    ):
        with pytest.raises(BadInput, match=told):
            read_scores(written(**wrong))
    said[b"nightjar"] = b'{"labels": "a"}'
    with pytest.raises(BadInput, match="0-d array"):
        read_scores(written())


def test_without_the_extra_parquet_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(HostFailure, match=re.escape(setup_command("parquet"))):
        parquet.arrow()
    with pytest.raises(BadInput, match=r"\.npz or \.parquet"):
        check_suffix("--out", Path("x.csv"))
