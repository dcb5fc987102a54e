"""A bundle of any member of the frontend's family, around a model whose arithmetic is known."""

from pathlib import Path

import numpy as np

from host.bundle import Vectors, vectors_to_npz, write_bundle
from host.contract import Contract, TensorContract
from host.files import sha256_bytes
from host.frontend_contract import FrontendContract
from host.reference.frontend import features, quantize
from host.reference.frontend_cases import hard_chunks
from host.reference.frontend_members import MEMBERS, SAMPLES
from host.reference.frontend_stages import recorded_signal
from model_gen.codegen.testing.models import builder

CASES = ("silence", "square", "noise", "impulse of -32768 at 5999")


def write_member(name: str, folder: Path) -> Path:
    """A bundle of that frontend, whose model is the mean over its features."""
    from host.reference.model import ReferenceModel

    frontend = MEMBERS[name]
    model = mean_model(frontend)
    reference = ReferenceModel(model)
    given, mean = reference.inputs[0], reference.outputs[0]
    known = hard_chunks(SAMPLES)
    chunks = np.stack([recorded_signal(), *(known[case] for case in CASES)])
    floats = features(chunks, frontend)
    inputs = quantize(floats, given.scale, given.zero_point).reshape(len(chunks), *given.shape[1:])
    outputs = [reference.run([one[np.newaxis]])[mean.tensor][0] for one in inputs]
    files = {
        "model.tflite": model,
        "labels.txt": b"mean\n",
        "vectors.npz": vectors_to_npz(Vectors(chunks, floats, inputs, np.stack(outputs))),
    }
    contract = Contract(
        frontend=frontend,
        labels=("mean",),
        output_activation="none",
        input=TensorContract(given.shape, "int8", given.scale, given.zero_point),
        output=TensorContract(mean.shape, "int8", mean.scale, mean.zero_point),
        rounding={},
        files={file: sha256_bytes(data) for file, data in files.items()},
        tools={"test": "1"},
    )
    path = folder / name
    write_bundle(path, contract, files)
    return path


def mean_model(frontend: FrontendContract) -> bytes:
    testing_models = builder()
    shape = (1, frontend.rows, frontend.frames, 1)
    to_one = frontend.normalization in ("minmax", "percentile")
    scale, zero_point = (1 / 255, -128) if to_one else (1 / 64, 0)
    tensors = [
        testing_models.Tensor(shape, scale, zero_point),
        testing_models.Tensor((2,), None, 0, np.array([1, 2]), "int32"),
        testing_models.Tensor((1, 1), scale, zero_point),
    ]
    model: bytes = testing_models.model(
        [("MEAN", [0, 1], [2], {"ReducerOptions": {"keepDims": False}}, 2)], tensors
    )
    return model
