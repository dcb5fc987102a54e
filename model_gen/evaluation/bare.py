"""A bare .tflite, which says neither how it listens nor its labels, run by TFLite's reference
kernels."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt

from host.bundle import load_subject
from host.errors import BadInput, NightjarError
from host.reference.frontend import dequantize, quantize
from host.reference.model import ReferenceModel
from model_gen.data.features import Chunks
from model_gen.models.config import ModelConfig

_PATIENCE = 120.0  # seconds for one inference of the reference kernels
_ACTIVATED = {"LOGISTIC", "SOFTMAX"}  # ops that make scores of logits
_BETWEEN = {"DEQUANTIZE", "QUANTIZE"}
_REFUSED = 3
_BYTES = (np.int8, np.uint8)


class BareModel:
    """A .tflite with one input, the spectrogram as float32, int8 or uint8, and one output, a value a label.

    Args:
        tflite: a model that `check_runs` let through.
        config: of the model that it is like.

    Raises:
        BadInput: it is no model like that.
    """

    def __init__(self, tflite: bytes, config: ModelConfig, path: Path) -> None:
        self._reference = ReferenceModel(tflite)
        self.description = self._reference.description
        ends = [*self._reference.inputs, *self._reference.outputs]
        if (len(self._reference.inputs), len(ends)) != (1, 2) or any(
            end.dtype not in (np.float32, *_BYTES) or (end.dtype in _BYTES and not end.scale)
            for end in ends
        ):
            raise BadInput(
                "expected a model with one input and one output, each float32, int8 or uint8",
                evidence=f"Received: {path} with {[(e.dtype.name, e.shape) for e in ends]}",
                next_step="convert it with `nightjar convert`",
            )
        self._input, self._output = ends
        frontend = config.frontend
        wanted = frontend.rows * frontend.frames
        if int(np.prod(self._input.shape)) != wanted:
            raise BadInput(
                "a bare model must take the spectrogram of the model that --like names: "
                f"{frontend.rows} x {frontend.frames} values",
                evidence=f"Received: {path} with the input {list(self._input.shape)}",
                next_step="name the checkpoint or bundle that it was converted from",
            )
        outputs = int(np.prod(self._output.shape))
        if outputs != len(config.labels):
            raise BadInput(
                f"a bare model must have an output for each of the {len(config.labels)} labels of the "
                "model that --like names",
                evidence=f"Received: {path} with {outputs}",
                next_step="name the checkpoint or bundle that it was converted from",
            )

    @property
    def gives_scores(self) -> bool:
        """Whether its last op is an activation, so that it gives scores, not logits."""
        wanted = self._output.tensor
        for op in reversed(self._reference.ops):
            if wanted in op.outputs:
                if op.name not in _BETWEEN:
                    return op.name in _ACTIVATED
                wanted = op.inputs[0]
        return False

    def outputs(self, chunks: Chunks) -> npt.NDArray[np.float32]:
        """Logits or scores of all chunks: float32 [chunks, labels]."""
        rows = [self._infer(chunks.features([i])[0]) for i in range(len(chunks))]
        return np.stack(rows)

    def _infer(self, features: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        given: npt.NDArray[np.float32 | np.int8 | np.uint8] = features
        if self._input.dtype == np.int8:
            given = quantize(features, self._input.scale, self._input.zero_point)
        elif self._input.dtype == np.uint8:
            given = _other(quantize(features, self._input.scale, self._input.zero_point - 128))
        out = self._reference.run([given.reshape(self._input.shape)])[self._output.tensor]
        if self._output.dtype == np.int8:
            out = dequantize(out, self._output.scale, self._output.zero_point)
        elif self._output.dtype == np.uint8:
            signed = _other(out).view(np.int8)
            out = dequantize(signed, self._output.scale, self._output.zero_point - 128)
        return np.asarray(out.reshape(-1), np.float32)


def _other(steps: npt.NDArray[np.int8 | np.uint8]) -> npt.NDArray[np.uint8]:
    """int8 steps as the uint8 ones, 128 higher, and back: their top bit is the other."""
    return np.asarray(steps).view(np.uint8) ^ np.uint8(128)


def read_bare(path: Path) -> bytes:
    """A .tflite that loads and runs, which a process of its own has tried: TFLite ends the process
    on some damage.

    Raises:
        BadInput: it is no file, or does not run.
    """
    tflite = load_subject(path).model
    command = [sys.executable, "-m", "model_gen.evaluation.bare"]
    try:
        done = subprocess.run(command, input=tflite, capture_output=True, timeout=_PATIENCE)
        code, said = done.returncode, done.stderr.decode(errors="replace").strip()
    except subprocess.TimeoutExpired:
        code, said = _REFUSED, f"no inference ended within {_PATIENCE:.0f} seconds"
    if code:
        last = said.splitlines()[-1] if said else ""
        raise BadInput(
            "TFLite cannot run this model: it is damaged, or has ops that are not built in",
            evidence=f"Received: {path}, {len(tflite)} bytes: "
            + (
                last[-300:]
                if code == _REFUSED
                else f"TFLite ended its process ({code}). {last[-200:]}"
            ),
            next_step="convert it again, for example with `nightjar convert`",
        )
    return tflite


def main() -> int:
    """The child: run the model on standard input once, on zeros."""
    try:
        model = ReferenceModel(sys.stdin.buffer.read())
        model.run([np.zeros(port.shape, port.dtype) for port in model.inputs])
    except NightjarError as error:
        print(f"{error.what}. {error.evidence}".replace("\n", " "), file=sys.stderr)
        return _REFUSED
    except (RuntimeError, ValueError, MemoryError, OverflowError, IndexError) as error:
        print(str(error).replace("\n", " "), file=sys.stderr)
        return _REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main())
