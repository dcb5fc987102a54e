"""For tests, and for the tester's test of itself: a small bundle with a frontend, whose weights are noise."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from host.bundle import Vectors, vectors_to_npz, write_bundle
from host.contract import Contract, TensorContract
from host.files import sha256_bytes
from host.frontend_contract import FrontendContract
from model_gen.codegen.testing.net import make_net

LABELS = ("chiffchaff", "goldcrest", "nightjar", "wren", "wryneck", "yellowhammer")


def write_small_bundle(path: Path) -> Path:
    """Write it to the folder `path`; the same bytes each time."""
    frontend = FrontendContract(
        sample_rate=8000, chunk_samples=2048, fft_length=128, hop=64, frames=32, bins=64
    )
    model = make_net(2, (1, 64, 32, 1)).tflite()
    generator = np.random.default_rng(4)
    time = np.arange(2048) / 8000
    chunks = np.stack(
        [
            8000 * np.sin(2 * np.pi * (900 * n + 4000 * time) * time)
            + generator.normal(0, 300, 2048)
            for n in (1, 2)
        ]
    ).astype(np.int16)
    return write_bundle_of(path, model, frontend, chunks, LABELS)


def write_bundle_of(
    path: Path,
    model: bytes,
    frontend: FrontendContract,
    chunks: npt.NDArray[np.int16],
    labels: tuple[str, ...],
) -> Path:
    """Write a bundle of an int8 .tflite, with int16 [n, chunk_samples] as its windows."""
    from host.reference.frontend import features, quantize
    from host.reference.model import ReferenceModel

    reference = ReferenceModel(model)
    given, scores = reference.inputs[0], reference.outputs[0]
    spectrograms = features(chunks, frontend)
    scale, zero_point = given.scale, given.zero_point
    inputs = quantize(spectrograms, scale, zero_point)[..., None]
    outputs = [reference.run([one[np.newaxis]])[scores.tensor][0] for one in inputs]
    vectors = vectors_to_npz(Vectors(chunks, spectrograms, inputs, np.stack(outputs)))
    files = {
        "model.tflite": model,
        "labels.txt": ("\n".join(labels) + "\n").encode(),
        "vectors.npz": vectors,
    }
    contract = Contract(
        frontend=frontend,
        labels=labels,
        output_activation="sigmoid",
        input=TensorContract(given.shape, "int8", scale, zero_point),
        output=TensorContract(scores.shape, "int8", scores.scale, scores.zero_point),
        rounding={},
        files={name: sha256_bytes(data) for name, data in files.items()},
        tools={"test": "1"},
    )
    write_bundle(path, contract, files)
    return path
