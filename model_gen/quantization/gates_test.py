from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.errors import BadInput
from host.frontend_contract import FrontendContract
from model_gen.data.cache import window_cache
from model_gen.data.dataset import Recording
from model_gen.data.features import Chunks
from model_gen.data.selection import Selection
from model_gen.quantization.calibration import manifest_csv, stratified
from model_gen.quantization.gates import cosines, judge


def test_equal_logits_pass_and_opposite_ones_are_refused() -> None:
    logits = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    good = judge(logits, logits * np.float32(1.01))
    assert good.passed
    good.require()
    with pytest.raises(BadInput, match="no bundle was written"):
        judge(logits, -logits).require()


def test_a_bad_tail_fails_although_the_mean_passes() -> None:
    a = np.tile(np.array([1, 0], np.float32), (100, 1))
    b = a.copy()
    b[:6] = (0.5, 1)
    result = judge(a, b)
    assert result.mean_cosine >= 0.95
    assert result.p5_cosine < 0.9
    assert not result.passed


def test_values_that_are_not_finite_fail() -> None:
    a = np.ones((3, 2), np.float32)
    assert not judge(a, np.full((3, 2), np.nan, np.float32)).passed


@given(st.integers(0, 999))
def test_cosines_are_those_of_numpy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, 5, 3))
    want = [np.dot(x, y) / np.linalg.norm(x) / np.linalg.norm(y) for x, y in zip(a, b, strict=True)]
    np.testing.assert_allclose(cosines(a, b), want, atol=1e-12)


def test_cosines_of_silence() -> None:
    zero, one = np.zeros((1, 3), np.float32), np.ones((1, 3), np.float32)
    assert cosines(zero, zero) == [1]
    assert cosines(zero, one) == [0]


def test_the_manifest_takes_from_each_class_in_turn() -> None:
    folders = ["a"] * 10 + ["b"] * 3 + ["noise"] * 5
    recordings = tuple(Recording(Path(f), f"{f}/{i}.wav", f) for i, f in enumerate(folders))
    n = len(folders)
    contract = FrontendContract()
    cache = window_cache(contract.sample_rate, contract.chunk_samples, Selection(), Path())
    numbers, zeros = np.arange(n), np.zeros(n, int)
    chunks = Chunks(recordings, (), numbers, zeros, numbers, (), (), contract, cache)
    chosen = stratified(chunks, 11, seed=1)
    assert [folders[i] for i in chosen].count("b") == 3
    assert len(set(chosen)) == 11
    counts = [[folders[i] for i in chosen].count(f) for f in ("a", "b", "noise")]
    assert counts == [4, 3, 4]
    assert chosen != stratified(chunks, 11, seed=2)
    lines = manifest_csv(chunks, chosen).splitlines()
    assert lines[0] == "path,start_sample,class"
    assert len(lines) == 12
    assert len(stratified(chunks, 1000, seed=1)) == n
