"""Rows of a teacher against a search through all of them, written out."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.errors import BadInput
from model_gen.data.dataset import Recording
from model_gen.teaching.match import Taught
from model_gen.teaching.scores import Scores

LABELS = ("a", "b", "c")


def recording(name: str, sha256: str = "") -> Recording:
    return Recording(Path(name), name, "a", sha256=sha256)


def scores(rows: list[tuple[str, str, float]], **given: Any) -> Scores:
    """Rows of (sha256, path, start), each with scores of its own."""
    values = np.random.default_rng(len(rows)).uniform(0, 1, (len(rows), 3)).astype(np.float32)
    made: dict[str, Any] = {
        "sha256": np.array([row[0] for row in rows], np.str_),
        "path": np.array([row[1] for row in rows], np.str_),
        "start_seconds": np.array([row[2] for row in rows], np.float64),
        "scores": values,
        "labels": LABELS,
        "window_seconds": 2.0,
    }
    return Scores(**{**made, **given})


@given(
    st.lists(st.tuples(st.sampled_from("xyz"), st.integers(-8, 40)), min_size=1, max_size=20),
    st.lists(st.tuples(st.integers(0, 1), st.integers(-20, 60)), min_size=1, max_size=10),
)
def test_the_row_is_of_the_same_recording_and_the_nearest_centre(
    rows: list[tuple[str, int]], windows: list[tuple[int, int]]
) -> None:
    rows = [("x", 0), *rows]
    said = scores([("", name, start / 4) for name, start in rows])
    taught = Taught(said, LABELS, "sigmoid", [recording("x"), recording("y")])
    owners = np.array([owner for owner, _ in windows])
    centres = np.array([centre / 4 for _, centre in windows])
    found = taught.rows(owners, centres)
    for row, owner, centre in zip(found, owners, centres, strict=True):
        best: tuple[float, float] | None = None
        for name, start in rows:
            away = abs(start / 4 + 1.0 - centre)
            if name == "xy"[owner] and away <= 2.0 and (best is None or (away, start) < best):
                best = (away, start)
        assert (row < 0) == (best is None)
        if best is not None:
            assert (rows[row][0], rows[row][1]) == ("xy"[owner], best[1])


def test_a_recording_is_known_by_its_bytes_and_else_by_its_path() -> None:
    said = scores([("11", "old/x", 0), ("", "y", 0), ("22", "x", 0)])
    heard = [recording("new/x", "11"), recording("y", "33"), recording("x", "44")]
    taught = Taught(said, LABELS, "sigmoid", heard)
    assert taught.rows(np.arange(3), np.ones(3)).tolist() == [0, 1, -1]
    assert taught.recordings == 2
    with pytest.raises(BadInput, match="of the recordings that train"):
        Taught(said, LABELS, "sigmoid", heard[2:])


def test_classes_go_by_name_whatever_their_order() -> None:
    plain = scores([("", "x", 0), ("", "x", 4)])
    order = [2, 0, 1]
    turned = scores(
        [("", "x", 0), ("", "x", 4)],
        scores=plain.scores[:, order],
        labels=tuple(LABELS[i] for i in order),
    )
    rows = np.array([0, 1, -1])
    first, second = (
        Taught(one, ("b", "z", "a"), "sigmoid", [recording("x")]).targets(rows)
        for one in (plain, turned)
    )
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(first[:2, [0, 2]], plain.scores[:, [1, 0]])
    assert np.isnan(first[:, 1]).all()  # a class that the teacher does not know
    assert np.isnan(first[2]).all()


def test_rows_that_are_not_finite_say_nothing_and_logits_become_scores() -> None:
    logits = np.array([[0, 2, -1], [1, np.nan, 0], [np.inf, 0, 0]], np.float32)
    said = scores([("", "x", i) for i in range(3)], scores=logits, kind="logits")
    assert said.silent == 2
    for activation in ("sigmoid", "softmax"):
        found = Taught(said, LABELS, activation, [recording("x")]).targets(np.arange(3))
        e = np.exp(logits[0].astype(np.float64))
        want = e / (1 + e) if activation == "sigmoid" else e / e.sum()
        np.testing.assert_allclose(found[0], want, rtol=1e-6)
        assert np.isnan(found[1:]).all()


def test_a_teacher_of_other_classes_is_refused() -> None:
    with pytest.raises(BadInput, match="by its name") as caught:
        Taught(scores([("", "x", 0)]), ("A",), "sigmoid", [recording("x")])
    assert "Did you mean a" in caught.value.evidence


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"labels": ("a", "b", "b")}, "each once"),
        ({"labels": ("a", "b")}, r"float32 \[1, 2\]"),
        ({"kind": "logit"}, "Did you mean logits"),
        ({"scores": np.full((1, 3), 1.5, np.float32)}, "from 0 to 1"),
        ({"scores": np.zeros((1, 3))}, "float64"),
        ({"start_seconds": np.array([np.nan])}, "finite"),
        ({"embedding": np.zeros((2, 3), np.float32)}, "embedding"),
    ],
)
def test_what_is_no_scores_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        scores([("", "x", 0)], **wrong)


def test_embeddings_are_there_or_not() -> None:
    embedding = np.arange(4, dtype=np.float32).reshape(2, 2)
    said = scores([("", "x", 0), ("", "x", 4)], embedding=embedding)
    taught = Taught(said, LABELS, "sigmoid", [recording("x")])
    found = taught.embedding(np.array([1, -1]))
    assert found is not None
    np.testing.assert_array_equal(found, [[2, 3], [np.nan, np.nan]])
    assert Taught(scores([("", "x", 0)]), LABELS, "sigmoid", [recording("x")]).embedding_size == 0


def test_scores_of_which_no_row_is_finite_are_refused() -> None:
    rows = [("", "x", 0.0), ("", "y", 0.0)]
    half = np.array([[np.nan] * 3, [0.5] * 3], np.float32)
    found = Taught(scores(rows, scores=half), LABELS, "sigmoid", [recording("x"), recording("y")])
    assert found.recordings == 1
    with pytest.raises(BadInput, match="none of them with finite scores"):
        Taught(scores(rows, scores=half), LABELS, "sigmoid", [recording("x")])


@pytest.mark.parametrize("shape", [(1,), (1, 0), (1, 2, 2)])
def test_an_embedding_is_a_vector_a_window(shape: tuple[int, ...]) -> None:
    with pytest.raises(BadInput, match="embedding must be float32"):
        scores([("", "x", 0.0)], embedding=np.zeros(shape, np.float32))
