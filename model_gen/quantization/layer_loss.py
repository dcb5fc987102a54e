"""What each layer's quantization costs: the output's error with one layer kept in float, and without.

As a program of its own: `python -m model_gen.quantization.layer_loss FOLDER`. All variants come from one calibrated
model in one process, by the converter's own quantizer with one node on its deny list.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from model_gen.quantization.apart import ARRAY, JOB, RESULT, run_apart
from model_gen.quantization.convert import converter_of, exported, job_of, loaded
from model_gen.quantization.form import Form

WINDOWS = 16  # of validation, over which the error is taken


@dataclass(frozen=True)
class LayerLoss:
    """One op of the float graph.

    Attributes:
        layer: the tensor it writes.
        op: its name in TFLite.
        error: root of the mean square of (output - float output), with this op alone in float.
        gain: by which share that is below the error of the whole int8 model; negative where it is above.
    """

    layer: str
    op: str
    error: float
    gain: float


@dataclass(frozen=True)
class Losses:
    """error: of the int8 model. layers: those first that lose most."""

    error: float
    layers: tuple[LayerLoss, ...]


def layer_losses(
    checkpoint: Path,
    form: Form,
    calibration: npt.NDArray[np.float32],
    judged: npt.NDArray[np.float32],
    *,
    config: Path | None = None,
) -> Losses:
    """The losses of an int8 conversion.

    Args:
        calibration, judged: features float32 [n, rows, frames]: what sets the ranges, and what is run.

    Raises:
        HostFailure: the converter failed, with the end of what it said.
    """
    job = {**job_of(checkpoint, form, config), "judged": len(judged)}
    found = json.loads(run_apart(__spec__.name, job, np.concatenate([judged, calibration])))
    return Losses(found["error"], tuple(LayerLoss(**one) for one in found["layers"]))


def _outputs(content: bytes, features: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    from host.reference.model import ReferenceModel

    model = ReferenceModel(content)
    (output,) = model.outputs
    rows = [model.run([x[None, ..., None]])[output.tensor].reshape(-1) for x in features]
    return np.stack(rows).astype(np.float64)


def _rms(values: npt.NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(values**2)))


def _measured(
    calibrated: bytes,
    plain: bytes,
    judged: npt.NDArray[np.float32],
    per_tensor: bool,
) -> Losses:
    import tensorflow as tf
    from tensorflow.lite.python.convert import mlir_quantize

    from host.reference.model import ReferenceModel

    def quantized(kept: Sequence[str]) -> bytes:
        return bytes(
            mlir_quantize(
                calibrated,
                disable_per_channel=per_tensor,
                input_data_type=tf.float32,
                output_data_type=tf.float32,
                denylisted_nodes=list(kept) or None,
            )
        )

    wanted = _outputs(plain, judged)
    whole = _rms(_outputs(quantized([]), judged) - wanted)
    graph = ReferenceModel(calibrated)
    layers = []
    for op in graph.ops:
        name = graph.tensor_name(op.outputs[0])
        error = _rms(_outputs(quantized([name]), judged) - wanted)
        gain = (whole - error) / whole if whole else 0.0
        layers.append(LayerLoss(name, op.name, error, gain))
    return Losses(whole, tuple(sorted(layers, key=lambda one: one.error)))


def main(folder: Path) -> None:
    """The program."""
    job = json.loads((folder / JOB).read_text())
    form = Form(**job["form"])
    features = np.load(folder / ARRAY)
    judged, calibration = features[: job["judged"]], features[job["judged"] :]
    saved = str(folder / "saved")
    exported(loaded(job, form), saved)
    float_form = Form(scheme="float", ends="float32", output=form.output)
    plain = bytes(converter_of(saved, float_form, None).convert())
    converter = converter_of(saved, form, calibration)
    converter._experimental_calibrate_only = True
    losses = _measured(bytes(converter.convert()), plain, judged, form.per_tensor)
    (folder / RESULT).write_text(json.dumps(asdict(losses)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
