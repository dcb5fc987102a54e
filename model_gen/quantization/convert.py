"""Checkpoint to full-int8 TFLite, as a program of its own: `python -m model_gen.quantization.convert`.

A model converted in the process that made it, and the same model reloaded, give different bytes; so the conversion
always runs in a fresh process, from the saved checkpoint.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from host.errors import HostFailure


def convert_checkpoint(checkpoint: Path, calibration: npt.NDArray[np.float32]) -> bytes:
    """The int8 .tflite of a checkpoint, converted in a fresh process.

    Args:
        checkpoint: a `.keras` file with its configuration beside it.
        calibration: features float32 [n, bins, frames]; activation ranges are their absolute extremes.

    Raises:
        HostFailure: the converter failed, with the end of what it said.
    """
    with tempfile.TemporaryDirectory(prefix="nightjar-convert-") as folder:
        inputs, output = Path(folder) / "calibration.npy", Path(folder) / "model.tflite"
        np.save(inputs, calibration)
        done = subprocess.run(
            [sys.executable, "-m", __spec__.name, str(checkpoint), str(inputs), str(output)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env={**os.environ, "PYTHONHASHSEED": "0", "CUDA_VISIBLE_DEVICES": "-1"},
            check=False,
        )
        if done.returncode or not output.is_file():
            raise HostFailure(
                "TensorFlow's converter failed",
                evidence=f"exit code {done.returncode}: {done.stdout[-1500:].strip()}",
                next_step="`nightjar doctor` checks the installation; free memory if it was killed",
            )
        return output.read_bytes()


def _convert(checkpoint: Path, calibration: npt.NDArray[np.float32], saved: str) -> bytes:
    import keras

    from model_gen.models.checkpoint import load_checkpoint
    from model_gen.runtime import tensorflow

    tf = tensorflow()
    model, _ = load_checkpoint(checkpoint)
    shape = (1, *model.input_shape[1:])

    def representative() -> Iterator[list[Any]]:
        for features in calibration:
            yield [features.reshape(shape)]

    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint(
        "serve",
        lambda features: model(features, training=False),
        input_signature=[tf.TensorSpec(shape, tf.float32, name="features")],
    )
    archive.write_out(saved, verbose=False)
    converter = tf.lite.TFLiteConverter.from_saved_model(saved)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = representative
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
    return bytes(converter.convert())


if __name__ == "__main__":
    _checkpoint, _calibration, _output = map(Path, sys.argv[1:])
    _saved = str(_output.with_suffix(""))
    _output.write_bytes(_convert(_checkpoint, np.load(_calibration), _saved))
