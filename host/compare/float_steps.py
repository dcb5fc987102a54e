"""What a float input is made of behind its QUANTIZE: the steps that its values become."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

# Of a step to either side of it: rounding in float32 never takes such a value for its neighbour.
_WITHIN = 0.4375
_BEYOND = 16  # times as far outwards, of the first and of the last step: what saturates


@dataclass(frozen=True)
class FloatSteps:
    """step = round(real / scale) + zero_point, saturated to `dtype`, int8 or uint8."""

    scale: float
    zero_point: int
    dtype: str

    def draw(
        self, shape: tuple[int, ...], generator: np.random.Generator, beside: np.random.Generator
    ) -> npt.NDArray[np.float32]:
        """Values float32 [*shape] that become steps drawn evenly from the whole range.

        The steps are those that an input of `dtype` would be given: `generator.integers(min, max + 1, shape, dtype)`.
        The values lie up to 7/16 of a step beside them, and up to 7 steps beyond the first and the last.

        Args:
            generator: of the steps. beside: of the rest, so that the steps are the same as without it.
        """
        limits = np.iinfo(self.dtype)
        steps = generator.integers(limits.min, limits.max + 1, shape, dtype=self.dtype)
        off = beside.uniform(-_WITHIN, _WITHIN, shape)
        off = np.where(steps == limits.min, -_BEYOND * np.abs(off), off)
        off = np.where(steps == limits.max, _BEYOND * np.abs(off), off)
        return ((steps.astype(np.float64) - self.zero_point + off) * self.scale).astype(np.float32)

    def of(self, values: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
        """The steps that values become; those of values that are not finite are the zero point."""
        limits = np.iinfo(self.dtype)
        real = np.nan_to_num(values.astype(np.float64) / self.scale, nan=0.0)
        found = np.clip(np.rint(real) + self.zero_point, limits.min, limits.max)
        return np.asarray(found, np.int64)


def float_steps(model: bytes) -> tuple[FloatSteps | None, ...]:
    """Of each input of a .tflite in order: the steps of a float32 one, by the first QUANTIZE that it reaches.

    None of an input that is not float32, or reaches none.

    Raises:
        BadInput: the model cannot be read.
    """
    from model_gen.codegen.tflite.reader import read_tflite

    graph = read_tflite(model)
    found: list[FloatSteps | None] = []
    for index in graph.inputs:
        reached, steps = {index}, None
        for op in graph.ops if graph.tensors[index].dtype == "float32" else ():
            if not reached.intersection(op.inputs):
                continue
            reached.update(op.outputs)
            target = graph.tensors[op.outputs[0]] if op.outputs else None
            if op.name == "QUANTIZE" and target is not None:
                known = target.quantization
                if known is not None and known.scales[0] > 0 and target.dtype in ("int8", "uint8"):
                    steps = FloatSteps(known.scales[0], known.zero_points[0], target.dtype)
                break
        found.append(steps)
    return tuple(found)
