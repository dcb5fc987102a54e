import io
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host.errors import BadInput
from model_gen.runtime import tensorflow
from model_gen.training.state import SCHEMA, EpochResult, Head, Progress, read_state, save_state

tensorflow()  # before Keras computes: threads cannot be set afterwards

NAN = float("nan")
PROGRESS = Progress((EpochResult(1, 0.1, 0.5, 0.4, 0.3, NAN, 1.0),), 1, False)
HEAD = Head({"epochs": 3, "alpha": 0.1, "callback": None}, "ab" * 32, PROGRESS)


def variables(value: float) -> list[Any]:
    return [
        keras.Variable(np.full((2, 3), value, np.float32)),
        keras.Variable(np.array(int(value)), dtype="int64"),
    ]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("state") / "x.npz"
    save_state(path, HEAD, variables(2))
    return path.read_bytes()


def test_a_state_gives_back_what_it_was_given(tmp_path: Path, written: bytes) -> None:
    path = tmp_path / "x.npz"
    path.write_bytes(written)
    state = read_state(path)
    assert repr(state.head) == repr(HEAD)
    fresh = variables(0)
    state.restore(fresh)
    for got, want in zip(fresh, variables(2), strict=True):
        np.testing.assert_array_equal(got, want)
    assert sorted(np.load(io.BytesIO(written)).files) == ["head", "v0", "v1"]
    with pytest.raises(BadInput, match="must hold the variables"):
        state.restore(fresh[:1])
    with pytest.raises(BadInput, match="must hold the variables"):
        state.restore(fresh[::-1])


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_damage_is_named(
    tmp_path_factory: pytest.TempPathFactory, written: bytes, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(written) - 1))
    damaged = bytearray(written)
    damaged[at] ^= 1 << data.draw(st.integers(0, 7))
    path = tmp_path_factory.mktemp("damage") / "x.npz"
    for content in (bytes(damaged), written[:at]):
        path.write_bytes(content)
        with pytest.raises(BadInput, match="train state must be"):
            read_state(path)


def test_a_state_of_an_earlier_version_is_refused_by_its_version(
    tmp_path: Path, written: bytes
) -> None:
    path = tmp_path / "x.npz"
    np.savez(path, progress=np.array('{"fingerprint": "", "history": []}'), v0=np.zeros(3))
    first = path.read_bytes()
    for content in (first, written.replace(SCHEMA.encode(), SCHEMA[:-1].encode() + b"2")):
        path.write_bytes(content)
        with pytest.raises(BadInput, match=f"of the version {SCHEMA}"):
            read_state(path)
    with pytest.raises(BadInput, match="does not exist"):
        read_state(tmp_path / "gone.npz")
