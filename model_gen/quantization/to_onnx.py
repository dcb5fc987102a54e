"""Checkpoint to ONNX, as a program of its own: `python -m model_gen.quantization.to_onnx FOLDER`."""

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from host.errors import BadInput, HostFailure
from host.installed import setup_command
from model_gen.quantization.apart import JOB, RESULT, run_apart
from model_gen.quantization.convert import job_of, loaded
from model_gen.quantization.form import Form

OPSET = 18
MOST_APART = 1e-4  # of an output from Keras's, of the largest there is, at least 1
_PACKAGES = ("tf2onnx", "onnx", "onnxruntime")
_GRAPH = "nightjar"


def require_onnx() -> None:
    """Refuse to begin what cannot end.

    Raises:
        HostFailure: the extra is not installed.
    """
    missing = [name for name in _PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise HostFailure(
            "--format onnx needs the extra onnx",
            evidence=f"not installed: {', '.join(missing)}",
            next_step=setup_command("onnx"),
        )


def onnx_checkpoint(checkpoint: Path, form: Form, *, config: Path | None = None) -> bytes:
    """The ONNX file of a checkpoint, of OPSET, for batches of one, made in a fresh process.

    Its input is features float32 [1, rows, frames, 1].

    Raises:
        HostFailure: the converter failed, with the end of what it said.
    """
    job = job_of(checkpoint, form, config)
    return run_apart(__spec__.name, job, None)


def onnx_outputs(content: bytes, features: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Outputs float32 [n, labels] by ONNX Runtime of features [n, rows, frames].

    Raises:
        BadInput: the bytes are no ONNX that it runs, or of another input.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # an error is raised, and said once
    try:
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        name = session.get_inputs()[0].name
        rows = [session.run(None, {name: x[None, ..., None]})[0][0] for x in features]
    except Exception as error:  # ONNX Runtime has a dozen kinds, which share no base of their own
        raise BadInput(
            "ONNX Runtime does not accept this model",
            evidence=f"Received: {len(content):,} bytes; {str(error).strip()[-300:]}",
            next_step="convert the checkpoint again with `nightjar convert --format onnx --scheme float`",
        ) from error
    return np.stack(rows).astype(np.float32)


def check_equal(ours: npt.NDArray[np.float32], keras: npt.NDArray[np.float32]) -> float:
    """The largest difference between two runtimes' outputs [n, labels].

    Raises:
        HostFailure: it is above MOST_APART of the largest output, or of 1.
    """
    apart = float(np.abs(ours - keras).max())
    most = MOST_APART * max(1.0, float(np.abs(keras).max()))
    if not apart <= most:
        raise HostFailure(
            "ONNX Runtime does not compute what Keras computes: nothing was written",
            evidence=f"outputs differ by up to {apart:g}, and may by {most:g}",
            next_step="report it with the versions that `nightjar doctor` tells",
        )
    return apart


def _converted(model: Any) -> bytes:
    import tf2onnx

    from model_gen.runtime import tensorflow

    tf = tensorflow()
    shape = (1, *model.input_shape[1:])
    signature = [tf.TensorSpec(shape, tf.float32, name="features")]
    function = tf.function(
        lambda features: model(features, training=False), input_signature=signature
    )
    proto, _ = tf2onnx.convert.from_function(function, input_signature=signature, opset=OPSET)
    proto.graph.name = _GRAPH
    return bytes(proto.SerializeToString(deterministic=True))


def main(folder: Path) -> None:
    """The program."""
    job = json.loads((folder / JOB).read_text())
    (folder / RESULT).write_bytes(_converted(loaded(job, Form(**job["form"]))))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
