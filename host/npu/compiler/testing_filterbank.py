"""For tests: the filterbank that fails on the NPU, in its geometry of 448 taps.

Its trained filters are not public, so these are our own: windowed waves of mean zero, over a voice
of harmonics.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from host.npu.compiler.model import predict
from model_gen.codegen.testing.models import builder

FRAMES, WIDTH, KERNEL, STRIDE, FILTERS = 535, 112, 4, 2, 64
TAPS = KERNEL * WIDTH
_RATE = 24000

Reals = npt.NDArray[np.float64]


def filters(phase: str) -> Reals:
    """[filters, taps]: "cos" or "sin" waves of rising frequency, each of mean zero."""
    time = np.arange(TAPS) - (TAPS - 1) / 2
    rows = []
    for frequency in np.geomspace(0.004, 0.45, FILTERS):
        width = min(0.9 / frequency, TAPS / 5)
        wave = getattr(np, phase)(2 * np.pi * frequency * time)
        row = wave * np.exp(-(time**2) / (2 * width**2))
        rows.append(row - row.mean())
    return np.array(rows)


def voice() -> Reals:
    """[frames, width]: syllables of 29 harmonics of a gliding pitch, at most 1."""
    time = np.arange(FRAMES * WIDTH) / _RATE
    pitch = 120 + 40 * np.sin(2 * np.pi * 2 * time)
    phase = 2 * np.pi * np.cumsum(pitch) / _RATE
    sound = sum(np.cos(k * phase + k) / k**0.8 for k in range(1, 30))
    sound *= np.sqrt(np.clip(np.sin(2 * np.pi * 3 * time), 0, 1))
    sound += 0.01 * np.random.default_rng(0).standard_normal(len(time))
    return np.asarray(sound / np.abs(sound).max()).reshape(FRAMES, WIDTH)


@dataclass(frozen=True, eq=False)
class Filterbank:
    """The bank as a model: one convolution, or one a group of channels and their sums.

    Attributes:
        taps: [filters, taps].
        groups: into how many groups of channels the convolution is divided.
        dummy_sum: of a further kernel, whose output nobody reads; 0: without one.
        gain: of the sound, against the scale that fits the full one.
    """

    taps: Reals
    groups: int = 1
    dummy_sum: int = 0
    gain: float = 1.0

    @cached_property
    def _sound(self) -> npt.NDArray[np.int8]:
        return np.rint(voice() * self.gain * 127).astype(np.int8)

    @cached_property
    def _kernels(self) -> tuple[npt.NDArray[np.int8], Reals]:
        scales = np.abs(self.taps).max(axis=1) / 127
        steps = np.rint(self.taps / scales[:, None]).astype(np.int8)
        if self.dummy_sum:
            row = np.zeros((1, TAPS), np.int8)
            row[0, : self.dummy_sum // 127], row[0, -1] = 127, self.dummy_sum % 127
            steps, scales = np.vstack([steps, row]), np.append(scales, scales.min())
        return steps.reshape(-1, KERNEL, WIDTH), scales

    def _exact(self, channels: slice) -> Reals:
        """[frames out, filters]: what a group of channels gives, in real numbers."""
        steps, scales = self._kernels
        starts = range(0, FRAMES - KERNEL + 1, STRIDE)
        sound = self._sound.astype(float) / 127
        seen = np.array([sound[at : at + KERNEL, channels] for at in starts])
        taps = steps[:, :, channels] * scales[:, None, None]
        return np.asarray(np.einsum("tkc,fkc->tf", seen, taps))

    @cached_property
    def tflite(self) -> bytes:
        """The bytes of the model: input int8 [1, 1, frames, width]."""
        tensor = builder().Tensor
        steps, scales = self._kernels
        count, width = len(steps), WIDTH // self.groups
        shape = (1, 1, (FRAMES - KERNEL) // STRIDE + 1, count)
        tensors: list[Any] = [tensor((1, 1, FRAMES, WIDTH), 1 / 127)]

        def add(made: Any) -> int:
            tensors.append(made)
            return len(tensors) - 1

        window = {"padding": 1, "strideH": 1, "strideW": STRIDE}
        options = {"Conv2DOptions": window | {"dilationHFactor": 1, "dilationWFactor": 1}}
        parts, ops = [0], []
        if self.groups > 1:
            axis = add(tensor((), data=np.array(3, np.int32), dtype="int32"))
            parts = [add(tensor((1, 1, FRAMES, width), 1 / 127)) for _ in range(self.groups)]
            ops.append(("SPLIT", [axis, 0], parts, {"SplitOptions": {"numSplits": self.groups}}, 2))
        total, sofar = -1, np.zeros(1)
        for group, part in enumerate(parts):
            channels = slice(group * width, (group + 1) * width)
            exact = self._exact(channels)
            weights = np.ascontiguousarray(steps[:, None, :, channels])
            kernels = add(tensor(weights.shape, scales.tolist(), 0, weights))
            out = add(tensor(shape, float(np.abs(exact[:, :FILTERS]).max() / 127)))
            ops.append(("CONV_2D", [part, kernels, -1], [out], options, 3))
            sofar = sofar + exact
            if total < 0:
                total = out
                continue
            added = add(tensor(shape, float(np.abs(sofar[:, :FILTERS]).max() / 127)))
            ops.append(("ADD", [total, out], [added], {"AddOptions": {}}, 2))
            total = added
        return bytes(builder().model(ops, tensors))

    @property
    def source(self) -> npt.NDArray[np.int8]:
        return self._sound.reshape(1, 1, FRAMES, WIDTH)

    def cosine(self, dialect: str) -> float:
        """Of the predicted output with the real one, over all filters."""
        made = predict(self.tflite, dialect, [self.source]).outputs[0]
        got = made.reshape(-1, made.shape[-1])[:, :FILTERS].astype(float)
        real = self._exact(slice(None))[:, :FILTERS]
        return float((got * real).sum() / np.sqrt((got**2).sum() * (real**2).sum()))
