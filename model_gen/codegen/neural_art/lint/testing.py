"""For tests: models of one op, and networks of our own, with what a rule looks for or just not."""

import re
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from host.npu.compiler.model import compile_model
from host.npu.testing.networks import random_network
from host.npu.testing.write import write_network
from model_gen.codegen.neural_art.lint import judge
from model_gen.codegen.neural_art.lint.finding import Finding
from model_gen.codegen.neural_art.lint.network import Code, read_code
from model_gen.codegen.neural_art.lint.subject import MADE_UP, REAL, Subject
from model_gen.codegen.testing.models import builder, single
from model_gen.codegen.testing.single_ops import q, window
from model_gen.codegen.tflite.graph import Array

_FLASH = 0x71000000
_ADD_SCALARS = ("A_scalar", "B_scalar")  # of two tensors whose scales are the output's
_ADD_SHIFTS = {"shift_o": 14, "Ax_shift": 0, "By_shift": 0}
_KINDS = ("pointwise", "accumulated", "add", "software")


def convolution(
    weights: Array,
    scales: Sequence[float],
    *,
    zero: int = 0,
    input_scale: float = 1.0,
    output_scale: float = 1.0,
    pixels: int = 1,
    bias: Sequence[int] | None = None,
) -> bytes:
    """A 1x1 convolution: int8 weights [kernels, channels], one scale a kernel; bias in units of the
    sums."""
    kernels, channels = weights.shape
    taps = builder().Tensor((kernels, 1, 1, channels), list(scales), 0, _tensor(weights))
    added = None
    if bias is not None:
        units = [input_scale * scale for scale in scales]
        added = builder().Tensor((kernels,), units, 0, np.array(bias, np.int32), "int32")
    return single(
        "CONV_2D",
        [q((1, 1, pixels, channels), input_scale, zero), taps, added],
        q((1, 1, pixels, kernels), output_scale, 0),
        {"Conv2DOptions": window(padding=1, dilationHFactor=1, dilationWFactor=1)},
        version=3,
    )


def _tensor(weights: Array) -> Array:
    return np.ascontiguousarray(weights.astype(np.int8)[:, None, None, :])


def subject(content: bytes, inputs: Sequence[Array], dialect: str = "4.0", **named: Any) -> Subject:
    """A model with inputs that count as real; `named`: what else a subject has."""
    data = named.pop("data", REAL)
    given = tuple((value,) for value in inputs)
    return Subject(
        model=compile_model(content, dialect), content=content, inputs=given, data=data, **named
    )


def found(content: bytes, inputs: Sequence[Array], dialect: str = "4.0") -> list[str]:
    """The names of the rules that hold on inputs."""
    return names(judge(subject(content, inputs, dialect)))


def found_without_inputs(content: bytes, inputs: Sequence[Array]) -> list[str]:
    """The same where the inputs are made up."""
    return names(judge(subject(content, inputs, data=MADE_UP)))


def names(findings: Sequence[Finding]) -> list[str]:
    return [one.rule.name for one in findings]


def network(folder: Path, dialect: str = "2.2") -> Path:
    """A network of our own with a convolution, one in two passes, an Add and software; its
    streams are named as the compiler names them."""
    written = write_network(folder, random_network(Random(3), "net", _KINDS), dialect)
    text = written.source.read_text()
    pattern = (
        r"(\n  /\* Unit= \d+ \[STREAM_ENG_V2 \d+\] \*/)"
        r"(\n  static const LL_Streng_TensorInitTypeDef (\w+?)_dma_init_(in|out)_(\d)_\d+ =)"
    )
    path = written.source
    path.write_text(re.sub(pattern, _emitted, text))
    for field, value in {**dict.fromkeys(_ADD_SCALARS, 1 << 14), **_ADD_SHIFTS}.items():
        in_record(path, "add_3", field, value)
    set_multipliers(path, [20000, 21000, -22000, 23000])
    return path


def set_multipliers(path: Path, values: Sequence[int]) -> Code:
    """The network with these A_k in its first convolution, which has four kernels."""
    (image,) = path.parent.glob("*.raw")
    record = read_code(path).products[0].bias
    assert record is not None
    raw = bytearray(image.read_bytes())
    at = record.integer("A_vector") - _FLASH
    raw[at : at + 8] = np.array(values, "<i2").tobytes()
    image.write_bytes(bytes(raw))
    return read_code(path)


def _emitted(found: re.Match[str]) -> str:
    way = {"in": "input", "out": "output"}[found[4]]
    comment = f"node={found[3]} {way} ports={found[5]} range=0[0,1]"
    return f"{found[1]}\n  /* Emit conf for STREAM_ENG_V2 {comment} */{found[2]}"


def changed(path: Path, old: str, new: str) -> Code:
    """The network with one place of its text changed."""
    text = path.read_text()
    assert text.count(old) >= 1, old
    path.write_text(text.replace(old, new, 1))
    return read_code(path)


def in_record(path: Path, node: str, field: str, value: object) -> Code:
    """The network with a field of the record of a node's unit changed."""
    text = path.read_text()
    start = text.index(f"node={node} */")
    at = text.index(f".{field} = ", start)
    end = text.index(",\n", at)
    path.write_text(f"{text[:at]}.{field} = {value}{text[end:]}")
    return read_code(path)


def judged(code: Code) -> list[Finding]:
    """What the rules say of a network alone."""
    return list(judge(Subject(code=code)))
