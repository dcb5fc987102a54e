"""What is kept of a reference is what it gives, and is believed only where nothing has changed."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from host.cache import EXPECTATIONS
from host.errors import BadInput, HostFailure
from host.reference import kept
from host.reference.interpreter import Array
from host.reference.kept import KeptReference, Recalled, Summary, digest, to_bytes
from host.reference.micro import MicroModel
from model_gen.codegen.testing import families, fuzz_models, keras_models
from model_gen.codegen.testing.models import RULES, builder, edited, judge, single


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NIGHTJAR_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "expectations"


def drawn(ports: Any, seed: int) -> tuple[Array, ...]:
    rng = np.random.default_rng(seed)
    return tuple(
        rng.integers(-128, 128, port.shape).astype(np.int8)
        if port.dtype == np.int8
        else rng.standard_normal(port.shape).astype(port.dtype)
        for port in ports
    )


def same(found: Recalled | None, want: dict[int, Array]) -> bool:
    assert found is not None
    assert dict(found.tensors) == {index: Summary.of(value) for index, value in want.items()}
    return all(
        (one.dtype, one.shape, one.tobytes())
        == (want[index].dtype, want[index].shape, want[index].tobytes())
        for index, one in found.outputs.items()
    )


MODELS: dict[str, Callable[[], bytes]] = {
    **{make.__name__: make for make in fuzz_models.MODELS},
    "float ends": lambda: keras_models.quantized("dense"),
    "two outputs": lambda: keras_models.quantized("res"),
}


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("name", MODELS)
def test_what_is_recalled_is_what_the_judge_gives(name: str, rules: str) -> None:
    model = MODELS[name]()
    try:
        plain = judge(model, rules)
    except BadInput:
        assert rules == "tflm"
        return
    first = KeptReference(model, rules)
    inputs = [drawn(plain.inputs, seed) for seed in range(3)]
    assert all(first.recall(one) is None for one in inputs)
    for one in inputs:
        first.run(one)
    second = KeptReference(model, rules)
    assert second.inputs == tuple(plain.inputs)
    assert second.outputs == tuple(plain.outputs)
    assert (second.description, second.loaded) == (plain.description, plain.loaded)
    for one in inputs:
        assert same(second.recall(one), plain.run(list(one)))
        found = second.recall(one)
        assert found is not None
        assert set(found.outputs) == {port.tensor for port in plain.outputs}
    assert not second.opened


def test_ports_of_an_open_batch_are_the_interpreters() -> None:
    for build in (families.temporal_open, families.ds_cnn):
        model = keras_models.convert(build)
        plain = judge(model, "tflite")
        for _ in range(2):
            assert KeptReference(model, "tflite").inputs == tuple(plain.inputs)

    def opened(model: Any, _: Any) -> None:
        model.subgraphs[0].tensors[0].shapeSignature = np.array([-1, 5], np.int32)

    tensor = builder().Tensor((3, 5), 0.5)
    model = edited(single("RELU", [tensor], tensor), opened)
    for _ in range(2):
        assert KeptReference(model, "tflite").inputs == tuple(judge(model, "tflite").inputs)


def test_other_inputs_models_rules_and_judges_are_not_recalled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = fuzz_models.broadcast()
    reference = KeptReference(model, "tflite")
    inputs = drawn(reference.inputs, 1)
    reference.run(inputs)
    assert reference.recall(inputs) is not None
    for place in range(len(inputs)):
        changed = [value.copy() for value in inputs]
        changed[place].flat[-1] ^= 1
        assert reference.recall(changed) is None
    assert reference.recall(inputs[::-1]) is None
    assert reference.recall([value.reshape(-1) for value in inputs]) is None
    assert reference.recall([value.view(np.uint8) for value in inputs]) is None
    other = fuzz_models.broadcast().replace(b"t0", b"t9")
    assert KeptReference(other, "tflite").recall(inputs) is None
    for name, value in (("_VERSION", "2"), ("_identity", lambda package: "another computer")):
        with monkeypatch.context() as patch:
            patch.setattr(kept, name, value)
            assert KeptReference(model, "tflite").recall(inputs) is None
    monkeypatch.setattr(kept, "_identity", lambda package: "the same package")
    KeptReference(model, "tflite").run(inputs)
    assert KeptReference(model, "tflite").recall(inputs) is not None
    assert KeptReference(model, "tflm").recall(inputs) is None


def test_the_identity_is_of_package_processor_and_code(monkeypatch: pytest.MonkeyPatch) -> None:
    identity = kept._identity.__wrapped__
    found = [identity("package"), identity("another package")]
    for name, value in (("processor", lambda: "another"), ("_CODE", ("model.py",))):
        with monkeypatch.context() as patch:
            patch.setattr(kept, name, value)
            found.append(identity("package"))
    assert len(set(found)) == len(found)


def test_a_damaged_record_is_no_record(cache: Path) -> None:
    model = fuzz_models.broadcast()
    reference = KeptReference(model, "tflite")
    inputs = drawn(reference.inputs, 1)
    want = reference.run(inputs)
    for damage in (lambda raw: raw[:-9], lambda raw: raw[:-9] + b"000000000", lambda raw: b""):
        for path in cache.iterdir():
            if len(path.name) == 64:
                path.write_bytes(damage(path.read_bytes()))
        fresh = KeptReference(model, "tflite")
        assert fresh.recall(inputs) is None
        assert fresh.inputs == reference.inputs
        assert fresh.opened
        fresh.run(inputs)
        assert same(fresh.recall(inputs), want)


def test_where_nothing_can_be_kept_everything_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTJAR_CACHE", "/proc/nightjar")
    model = fuzz_models.broadcast()
    for _ in range(2):
        reference = KeptReference(model, "tflite")
        inputs = drawn(reference.inputs, 1)
        assert reference.recall(inputs) is None
        assert reference.run(inputs)


def test_ports_that_the_judge_does_not_confirm_are_dropped() -> None:
    model = fuzz_models.broadcast()
    first = KeptReference(model, "tflite")
    inputs = drawn(first.inputs, 1)
    raw = EXPECTATIONS.read(first._ports_key)
    assert raw is not None
    record = json.loads(raw)
    record["inputs"][0]["scale"] = 7.0
    EXPECTATIONS.write(first._ports_key, json.dumps(record).encode())
    second = KeptReference(model, "tflite")
    assert second.inputs[0].scale == 7.0
    with pytest.raises(HostFailure, match="not what its reference says"):
        second.run(inputs)
    third = KeptReference(model, "tflite")
    third.run(inputs)
    assert third.inputs == first.inputs


def test_the_judge_of_tflm_needs_no_trial_process_once_it_is_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("tflite_micro")
    model = fuzz_models.broadcast()
    first = KeptReference(model, "tflm")
    inputs = drawn(first.inputs, 1)
    want = first.run(inputs)
    assert isinstance(first._judge, MicroModel)
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    monkeypatch.setitem(sys.modules, "tflite_micro.runtime", None)
    second = KeptReference(model, "tflm")
    assert second.description == first.description
    assert same(second.recall(inputs), want)


def test_rules_that_nobody_judges_are_refused() -> None:
    with pytest.raises(BadInput, match="nobody judges"):
        KeptReference(b"", "ours")


def test_a_missing_judge_is_named_whatever_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tflite_micro")
    assert KeptReference(fuzz_models.broadcast(), "tflm").inputs
    monkeypatch.setitem(sys.modules, "tflite_micro", None)
    with pytest.raises(HostFailure, match="tflite-micro, which is not installed"):
        KeptReference(fuzz_models.broadcast(), "tflm")


@pytest.mark.parametrize("dtype", ["int8", "float32", "int64", "bool"])
@pytest.mark.parametrize("shape", [(), (0,), (3, 1, 5)])
def test_a_summary_is_of_the_bytes_on_a_board(dtype: str, shape: tuple[int, ...]) -> None:
    value = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)
    summary = Summary.of(value)
    assert summary.bytes == value.nbytes == len(to_bytes(value))
    assert (
        summary.digest == digest((value,)) == digest((value.astype(value.dtype.newbyteorder(">")),))
    )
