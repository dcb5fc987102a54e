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
from model_gen.quantization.gates import GateResult, Heard, Logits, cosines, judge


def heard(chunks: int, labels: int) -> Heard:
    """A recording a chunk, each of one class in turn."""
    wanted = np.eye(labels, dtype=np.float32)[np.arange(chunks) % labels]
    return Heard(np.arange(chunks), wanted, tuple("abcdefgh"[:labels]), "sigmoid")


def test_equal_logits_pass_and_opposite_ones_are_refused() -> None:
    logits = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    good = judge(logits, logits * np.float32(1.01), heard(50, 4))
    assert good.passed
    good.require()
    with pytest.raises(BadInput, match="no bundle was written"):
        judge(logits, -logits, heard(50, 4)).require()


def test_a_bad_tail_fails_although_the_mean_passes() -> None:
    a = np.tile(np.array([1, 0], np.float32), (100, 1))
    b = a.copy()
    b[:6] = (0.5, 1)
    result = judge(a, b, heard(100, 2))
    assert result.mean_cosine >= 0.95
    assert result.p5_cosine < 0.9
    assert not result.passed


def test_values_that_are_not_finite_fail() -> None:
    a = np.ones((3, 2), np.float32)
    assert not judge(a, np.full((3, 2), np.nan, np.float32), heard(3, 2)).passed


def test_one_value_that_is_not_finite_fails_among_a_thousand() -> None:
    a = np.random.default_rng(0).normal(size=(1000, 2)).astype(np.float32)
    assert judge(a, a, heard(1000, 2)).passed
    b = a.copy()
    b[500, 1] = np.inf
    assert not judge(b, b, heard(1000, 2)).passed


def nearly_tied() -> tuple[Logits, Logits]:
    """Logits whose direction int8 keeps, and whose order of the first two of three classes it does not."""
    own = heard(60, 3).wanted * np.array([0.1, 0.1, 6], np.float32)
    float_logits = own + np.array([8, 8, 3], np.float32)
    return float_logits, float_logits[:, [1, 0, 2]]


def test_a_metric_that_drops_is_refused_although_the_cosines_pass() -> None:
    result = judge(*nearly_tied(), heard(60, 3))
    assert (result.float_ap, result.float_top1) == (1, 1)
    assert result.mean_cosine > 0.99
    assert result.p5_cosine > 0.99
    assert not result.passed
    with pytest.raises(BadInput) as caught:
        result.require()
    assert "class-mean AP" in caught.value.evidence
    assert "top-1 0.3333 where the float model has 1.0000, over 60" in caught.value.evidence
    assert "cosine" not in caught.value.evidence
    assert judge(*nearly_tied(), heard(60, 3), max_drop=1).passed


@pytest.mark.parametrize(("int8", "passed"), [(0.95, True), (0.85, True), (0.849, False)])
def test_the_drop_that_is_given_is_allowed_and_no_more(int8: float, passed: bool) -> None:
    """0.9 - 0.85 is a little above 0.05 in binary."""
    assert GateResult(9, 9, 1.0, 1.0, 0.9, int8, 0.9, 0.9).passed is passed
    assert GateResult(9, 9, 1.0, 1.0, 0.9, 0.9, 0.9, int8).passed is passed


def test_metrics_are_over_recordings_whose_chunks_are_pooled() -> None:
    owner = np.array([0, 0, 1, 1])
    of = Heard(owner, np.eye(2, dtype=np.float32), ("a", "b"), "softmax")
    logits = np.array([[4, -4], [0, 1], [-4, 4], [1, 0]], np.float32)
    assert of.metrics(logits).top1 == 1


@pytest.mark.parametrize(
    ("wanted", "not_held"), [(0, ("class-mean AP", "top-1")), (1, ("class-mean AP",))]
)
def test_a_metric_that_cannot_be_measured_is_refused_where_a_drop_would_be(
    wanted: int, not_held: tuple[str, ...]
) -> None:
    """Without a positive there is neither; with positives alone there is no AP."""
    logits = np.ones((4, 2), np.float32)
    heard = Heard(np.arange(4), np.full((4, 2), wanted, np.float32), ("a", "b"), "sigmoid")
    result = judge(logits, logits, heard)
    assert result.not_held == not_held
    with pytest.raises(BadInput) as caught:
        result.require()
    for name in ("class-mean AP", "top-1"):
        assert (f"{name} that 4 recordings cannot measure" in caught.value.evidence) == (
            name in not_held
        )
    assert "--max-drop 1" in caught.value.next_step
    assert not judge(logits, logits, heard, max_drop=0.999).passed
    allowed = judge(logits, logits, heard, max_drop=1)
    assert allowed.passed
    assert allowed.as_json()["not_held"] == not_held
    assert allowed.as_json()["float_ap"] is None


def test_classes_that_the_mean_says_nothing_about_are_told() -> None:
    logits = heard(6, 2).wanted
    wanted = np.concatenate([heard(6, 2).wanted, np.zeros((6, 1), np.float32)], axis=1)
    three = np.concatenate([logits, np.zeros((6, 1), np.float32)], axis=1)
    result = judge(three, three, Heard(np.arange(6), wanted, ("a", "b", "c"), "sigmoid"))
    assert result.passed
    assert (result.not_held, result.unheard) == ((), ("c",))


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
    lines = manifest_csv(chunks.take(chosen)).splitlines()
    assert lines[0] == "path,start_sample,class"
    assert len(lines) == 12
    assert len(stratified(chunks, 1000, seed=1)) == n
    rounds = [[folders[i] for i in chosen[at : at + 3]] for at in (0, 3, 6)]
    assert rounds == [["a", "b", "noise"], ["b", "noise", "a"], ["noise", "a", "b"]]
