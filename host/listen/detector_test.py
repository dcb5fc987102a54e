"""Detections in integers: the firmware's C and the host's Python alike, and both near the pools in floats."""

import ctypes
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.errors import BadInput
from host.listen.detector import Detector, Heard, detections
from host.listen.pooling import activate, pool
from host.listen.rule import MOST_POOLED, POOLS, TOP, Options, Rule, make_rule

CORE = Path(__file__).parents[2] / "firmware" / "core"
LABELS = ("wren", "robin", "owl")
Take = Callable[[Rule, np.ndarray], list[Heard]]


def contract(activation: str, scale: float = 0.07, zero_point: int = 3) -> SimpleNamespace:
    return SimpleNamespace(
        labels=LABELS,
        output_activation=activation,
        output=SimpleNamespace(dtype="int8", scale=scale, zero_point=zero_point),
        frontend=SimpleNamespace(chunk_samples=100, hop=10, sample_rate=1000),
    )


RULES = st.builds(
    lambda options, activation: make_rule(contract(activation), options),  # type: ignore[arg-type]
    st.builds(
        Options,
        overlap=st.sampled_from((0.0, 0.5, 0.8)),
        pool=st.sampled_from(POOLS),
        pooled=st.integers(1, 5),
        threshold=st.sampled_from((0.1, 0.4, 0.7, 0.999)),
        thresholds=st.fixed_dictionaries({"owl": st.sampled_from((0.2, 0.9))}),
        sustain=st.sampled_from((0.3, 0.8, 1.0)),
        least=st.integers(1, 2),
        most=st.integers(2, 6),
    ),
    st.sampled_from(("none", "sigmoid", "softmax")),
)
STEPS = st.lists(
    st.lists(st.sampled_from((-128, -20, 0, 5, 20, 60, 127)), min_size=3, max_size=3), max_size=25
).map(lambda rows: np.array(rows, np.int8).reshape(-1, 3))


class _LabelRule(ctypes.Structure):
    _fields_ = [
        ("threshold", ctypes.c_uint32),
        ("release", ctypes.c_uint32),
        ("own", ctypes.c_uint32),
    ]


class _Detection(ctypes.Structure):
    _fields_ = [
        ("label", ctypes.c_uint32),
        ("score", ctypes.c_uint32),
        ("start", ctypes.c_uint64),
        ("end", ctypes.c_uint64),
        ("chunks", ctypes.c_uint32),
    ]


class _State(ctypes.Structure):
    _fields_ = [
        ("detection", _Detection),
        ("free", ctypes.c_uint64),
        ("last", ctypes.c_uint64),
        ("on", ctypes.c_bool),
    ]


class _Detector(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_uint32) for name in ("pool", "labels", "chunks", "chunk_samples")),
        *((name, ctypes.c_uint32) for name in ("stride", "least", "most")),
        ("softmax", ctypes.c_bool),
        ("table", ctypes.POINTER(ctypes.c_uint32)),
        ("power", ctypes.POINTER(ctypes.c_uint32)),
        ("label", ctypes.POINTER(_LabelRule)),
        ("state", ctypes.POINTER(_State)),
        ("level", ctypes.POINTER(ctypes.c_uint16)),
    ]


@pytest.fixture(scope="module")
def firmware(tmp_path_factory: pytest.TempPathFactory) -> Take:
    """The firmware's detector, for this machine."""
    library = tmp_path_factory.mktemp("detector") / "detector.so"
    flags = ["-std=gnu11", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-O2"]
    flags += ["-fsanitize=undefined", "-fno-sanitize-recover", "-shared", "-fPIC"]
    subprocess.run(["gcc", *flags, CORE / "nj_detector.c", "-o", library], check=True)
    code = ctypes.CDLL(str(library))
    detected = ctypes.CFUNCTYPE(None, ctypes.POINTER(_Detection))
    u64 = ctypes.c_uint64
    u32 = ctypes.c_uint32
    code.nj_detector_take.argtypes = (ctypes.c_void_p, ctypes.c_char_p, u32, u64, detected)

    def run(rule: Rule, steps: np.ndarray) -> list[Heard]:
        count, found = len(rule.labels), list[Heard]()
        struct = _Detector(
            POOLS.index(rule.pool), count, rule.chunks, rule.chunk_samples, rule.stride,
            rule.least, rule.most, rule.softmax, (ctypes.c_uint32 * 256)(*rule.table),
            (ctypes.c_uint32 * 256)(*rule.power), (_LabelRule * count)(),
            (_State * count)(), (ctypes.c_uint16 * (rule.chunks * count))(),
        )  # fmt: skip
        for to, one in zip(struct.label[:count], rule.labels, strict=True):
            to.threshold, to.release, to.own = one.threshold, one.release, one.own
        call = detected(
            lambda d: found.append(Heard(d[0].label, d[0].start, d[0].end, d[0].score, d[0].chunks))
        )
        code.nj_detector_start(ctypes.byref(struct))
        for number, row in enumerate(steps):
            place = number * rule.stride
            code.nj_detector_take(ctypes.byref(struct), row.tobytes(), number, place, call)
        for label in range(count):
            code.nj_detector_end(ctypes.byref(struct), label, call)
        return found

    return run


def naive(rule: Rule, steps: np.ndarray) -> set[Heard]:
    """By the words of nj_detector.h, a label at a time, over the whole stream."""
    found = set()
    for label, limits in enumerate(rule.labels):
        levels = []
        for row in steps.astype(int):
            if rule.softmax:
                weights = [rule.table[max(row) - value] for value in row]
                levels.append(weights[label] * TOP // sum(weights))
            else:
                levels.append(rule.table[row[label] + 128])
        scores = []
        for i in range(len(levels)):
            pooled = levels[max(0, i + 1 - rule.chunks) : i + 1]
            if rule.pool == "lme":
                pooled = [rule.power[level >> 8] for level in pooled]
            scores.append(max(pooled) if rule.pool == "max" else sum(pooled) // len(pooled))
        place, taken = 0, -1
        while place < len(scores):
            if scores[place] < limits.threshold:
                place += 1
                continue
            first = max(taken + 1, place + 1 - rule.chunks)
            own = [i for i in range(first, place + 1) if levels[i] >= limits.own]
            best = scores[place]
            place += 1
            while len(own) < rule.most and place < len(scores) and scores[place] >= limits.release:
                best = max(best, scores[place])
                own += [place] if levels[place] >= limits.own else []
                place += 1
            if own:
                taken = own[-1]
                end = rule.stride * taken + rule.chunk_samples
                if len(own) >= rule.least:
                    found.add(Heard(label, rule.stride * own[0], end, best, len(own)))
    return found


@given(rule=RULES, steps=STEPS)
def test_firmware_host_and_the_words_agree(firmware: Take, rule: Rule, steps: np.ndarray) -> None:
    mine = detections(rule, steps)
    assert firmware(rule, steps) == mine
    assert set(mine) == naive(rule, steps)
    assert len(set(mine)) == len(mine)


@given(
    steps=STEPS.filter(lambda rows: 0 < len(rows) <= MOST_POOLED),
    how=st.sampled_from(POOLS),
    activation=st.sampled_from(("none", "sigmoid", "softmax")),
)
def test_the_pool_is_that_of_floats(steps: np.ndarray, how: str, activation: str) -> None:
    options = Options(pool=how, pooled=MOST_POOLED, threshold=1e-9, sustain=1e-9, most=99)
    rule = make_rule(contract(activation), options)  # type: ignore[arg-type]
    scores = np.clip(activate(steps, 0.07, 3, activation), 0, 1)
    detector = Detector(rule)
    for i, row in enumerate(steps):
        detector.take(row, i)
    want = [pool(scores[: i + 1], how) for i in range(len(steps))]
    found = {one.label: rule.score(one.score) for one in detector.end()}
    for label, score in found.items():
        # A level has 16 bits; the log-mean-exp takes 8 of them.
        best = max(row[label] for row in want)
        assert score == pytest.approx(best, abs=1 / 200 if how == "lme" else 4e-5)


@pytest.mark.parametrize("how", POOLS)
@pytest.mark.parametrize("threshold", [1e-9, 0.002])
def test_silence_ends_a_detection_however_low_the_threshold(how: str, threshold: float) -> None:
    options = Options(pool=how, threshold=threshold, sustain=1e-9, most=99)
    rule = make_rule(contract("none", 1 / 256, -128), options)  # type: ignore[arg-type]
    steps = np.array([[-128] * 3, [127] * 3, *[[-128] * 3] * 9, [127] * 3, [-128] * 3], np.int8)
    starts = [(one.start, one.chunks) for one in detections(rule, steps) if one.label == 0]
    assert starts == [(1 * rule.stride, 1), (11 * rule.stride, 1)]


def test_a_rule_is_refused_with_what_is_wrong() -> None:
    for bad in ({"threshold": 0}, {"pooled": 17}, {"pool": "sum"}, {"least": 9, "most": 2}):
        with pytest.raises(BadInput, match="not"):
            Options(**bad)
    with pytest.raises(BadInput, match=r"no label 'robbin'.*robin"):
        make_rule(contract("none"), Options(thresholds={"robbin": 0.5}))  # type: ignore[arg-type]


@pytest.mark.parametrize("how", POOLS)
@pytest.mark.parametrize(
    ("activation", "scale", "reached"),
    [
        ("sigmoid", 0.07, 0.9998),
        ("sigmoid", 0.01, 0.7755),
        ("none", 1 / 256, 0.4843),
        ("softmax", 0.002, 0.4543),
    ],
)
def test_a_threshold_that_no_score_reaches_is_refused(
    how: str, activation: str, scale: float, reached: float
) -> None:
    """And the one that is offered instead detects the loudest output."""
    of = contract(activation, scale)
    # The highest of the 256 steps of log-mean-exp goes up to 1.
    for threshold in () if how == "lme" and reached > 0.996 else (1.0, min(1.0, reached + 0.005)):
        with pytest.raises(BadInput, match="no score of this model reaches") as refused:
            make_rule(of, Options(pool=how, threshold=threshold))  # type: ignore[arg-type]
        assert refused.value.next_step.endswith(f" {reached:g}")
    rule = make_rule(of, Options(pool=how, threshold=reached, pooled=1))  # type: ignore[arg-type]
    assert detections(rule, np.array([[127, -128, -128]], np.int8))[0].label == 0


def test_a_rule_of_another_contract_is_told() -> None:
    of = contract("sigmoid")
    rule = make_rule(of, Options())  # type: ignore[arg-type]
    assert rule.strange(of) == ""  # type: ignore[arg-type]
    for bad in (
        {"labels": rule.labels[:2]},
        {"labels": 2 * rule.labels},
        {"rate": 2000},
        {"chunk_samples": 200},
        {"stride": 55},
    ):
        assert " fit" in replace(rule, **bad).strange(of)  # type: ignore[arg-type]
