"""What keeps the NPU from cutting sums off and leaves the model's function as it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from host.errors import BadInput, Defect
from host.npu.compiler.dialect import DIALECTS
from host.npu.compiler.model import compile_model
from host.npu.compiler.saturation import sum_for_shift
from host.reference.model import ReferenceModel
from model_gen.codegen.neural_art.lint import judge
from model_gen.codegen.neural_art.lint.effects import Observed
from model_gen.codegen.neural_art.lint.subject import REAL, Subject
from model_gen.codegen.tflite.graph import Array
from model_gen.quantization.dummy_kernel import with_dummy_kernel

DIALECT = list(DIALECTS)[-1]  # cs is the same in all


@dataclass(frozen=True, eq=False)
class Safe:
    """A model that was made safe, as far as that goes.

    Attributes:
        content: the .tflite; the same bytes as before where nothing was done.
        done: what was done, a sentence each.
        left: what the lint still says of it, a sentence each: no change of this kind mends it.
    """

    content: bytes
    done: tuple[str, ...]
    left: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """As in the bundle's contract."""
        return {"dialect": DIALECT, "done": list(self.done), "left": list(self.left)}


def npu_safe(content: bytes, inputs: Sequence[Array]) -> Safe:
    """Add a dummy kernel to each convolution whose sums are cut off on the inputs.

    The compiler then shifts the sums further. A change is kept only where no sum is cut off after
    it, and the outputs of the reference are the same bytes on all inputs.

    Args:
        content: a .tflite of one input.
        inputs: int8 tensors of its shape, at least one: those that calibrated it.
    """
    done: list[str] = []
    given_up: set[int] = set()  # tensors that such ops write
    while True:
        subject = _subject(content, inputs)
        layer = next((one for one in _cut_off(subject) if _tensor(one) not in given_up), None)
        if layer is None:
            break
        given_up.add(_tensor(layer))
        made = _mended(content, inputs, layer)
        if made is not None:
            content = made.content
            done.append(made.done[0])
    left = tuple(
        f"{one.rule.code} {one.rule.name}: {one.hit.where}: {one.hit.says}"
        for one in judge(subject)
        if one.rule.severity != "note"
    )
    return Safe(content, tuple(done), left)


def _subject(content: bytes, inputs: Sequence[Array]) -> Subject:
    given = tuple((value,) for value in inputs)
    model = compile_model(content, DIALECT)
    return Subject(model=model, content=content, inputs=given, data=REAL)


def _cut_off(subject: Subject) -> list[Observed]:
    return [observed for observed in subject.products if observed.saturation.cut_off]


def _tensor(observed: Observed) -> int:
    return observed.layer.op.outputs[0]


def _mended(content: bytes, inputs: Sequence[Array], observed: Observed) -> Safe | None:
    """The model with a dummy kernel in one op; None where that mends nothing."""
    op = observed.layer.op
    shift = int(np.ceil(observed.saturation.need.max()))
    try:
        changed = with_dummy_kernel(content, op.index, sum_for_shift(shift))
    except BadInput:
        return None  # depthwise, or too few weights for such a sum
    _require_equal(content, changed, inputs)
    after = _subject(changed, inputs)
    (same,) = [one for one in after.products if one.layer.op.index == op.index] or (None,)
    if same is None or same.saturation.cut_off:
        return None
    text = (
        f"op {op.index}, {op.name}: a dummy kernel whose weights sum to {sum_for_shift(shift):,}, "
        f"dropped by a SLICE: cs {observed.layer.shift} becomes {same.layer.shift}, "
        f"{observed.saturation.cut_off:,} of {observed.saturation.sums:,} sums were cut off, now "
        "none; the reference's outputs are the same bytes"
    )
    return Safe(changed, (text,), ())


def _require_equal(before: bytes, after: bytes, inputs: Sequence[Array]) -> None:
    """Hold that the reference computes the same outputs.

    Raises:
        Defect: it does not.
    """
    models = [ReferenceModel(before), ReferenceModel(after)]
    for value in inputs:
        done = []
        for model in models:
            made = model.run([value])
            done.append([made[end.tensor].tobytes() for end in model.outputs])
        if done[0] != done[1]:
            raise Defect(
                "a dummy kernel changed the model's outputs",
                evidence="the reference kernels compute other bytes with it",
                next_step="report it, and quantize without --npu-safe",
            )
