"""A .tflite with the weights that clustering or pruning leave, to see what they take; what it computes does not matter.

`python -m model_gen.codegen.testing.compressed FROM.tflite TO.tflite --values 16` gives each layer's real weights 16
values (k-means of one dimension), as TensorFlow Model Optimization clusters by default; `--zeros 0.8` makes the
smallest 80 % of each layer 0. Weights are those of CONV_2D and FULLY_CONNECTED, in steps of their own scales.
"""

import argparse
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tflite

from model_gen.codegen.tflite.graph import Array
from model_gen.codegen.tflite.reader import read_tflite

_ROUNDS = 30  # of k-means


def clustered(steps: Array, scales: Array, values: int) -> Array:
    """int8 [channels, ...] of steps of `scales` [channels], with so many real values in all."""
    real = steps.reshape(len(steps), -1) * scales[:, None]
    centres = np.quantile(real, (np.arange(values) + 0.5) / values)
    for _ in range(_ROUNDS):
        nearest = np.searchsorted((centres[1:] + centres[:-1]) / 2, real.ravel())
        counts = np.bincount(nearest, minlength=values)
        sums = np.bincount(nearest, real.ravel(), minlength=values)
        centres = np.sort(np.where(counts > 0, sums / np.maximum(counts, 1), centres))
    nearest = np.searchsorted((centres[1:] + centres[:-1]) / 2, real)
    made = np.asarray(np.clip(np.rint(centres[nearest] / scales[:, None]), -127, 127), np.int8)
    return made.reshape(steps.shape)


def pruned(steps: Array, scales: Array, zeros: float) -> Array:
    """The same with that share of the smallest real weights 0."""
    real = np.abs(steps.reshape(len(steps), -1) * scales[:, None])
    kept = real > np.quantile(real, zeros)
    made = np.asarray(steps.reshape(len(steps), -1) * kept, np.int8)
    return made.reshape(steps.shape)


def compressed(model: bytes, *, values: int | None, zeros: float | None) -> bytes:
    """The model with its weights pruned, then clustered, as far as asked for."""
    content = bytearray(model)
    raw = tflite.Model.GetRootAs(content, 0)
    graph = read_tflite(model)
    for op in graph.ops:
        if op.name not in ("CONV_2D", "FULLY_CONNECTED"):
            continue
        weights = graph.tensors[op.inputs[1]]
        if weights.value is None or weights.quantization is None:
            continue
        found = np.array(weights.quantization.scales)
        scales = np.broadcast_to(found, (len(weights.value),))
        made = weights.value
        if zeros is not None:
            made = pruned(made, scales, zeros)
        if values is not None:
            made = clustered(made, scales, values)
        where = raw.Subgraphs(0).Tensors(weights.index).Buffer()
        place: npt.NDArray[np.uint8] = raw.Buffers(where).DataAsNumpy()
        place[:] = made.view(np.uint8).ravel()
    return bytes(content)


if __name__ == "__main__":
    given = argparse.ArgumentParser()
    given.add_argument("source", type=Path)
    given.add_argument("target", type=Path)
    given.add_argument("--values", type=int)
    given.add_argument("--zeros", type=float)
    options = given.parse_args()
    made = compressed(options.source.read_bytes(), values=options.values, zeros=options.zeros)
    options.target.write_bytes(made)
