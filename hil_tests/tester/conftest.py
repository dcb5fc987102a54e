"""The tester is tested: small models, real firmware, and damage done on purpose."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from host.bundle import Subject, Vectors, load_subject, vectors_to_npz, write_bundle
from host.compare.prepare import prepare
from host.contract import Contract, TensorContract
from host.files import sha256_bytes
from host.frontend_contract import FrontendContract
from host.project import Project
from model_gen.codegen.testing.net import Net, make_net

BOARDS = ("native", "virtual")
LABELS = ("chiffchaff", "goldcrest", "nightjar", "wren", "wryneck", "yellowhammer")


@pytest.fixture(scope="session")
def net() -> Net:
    return make_net(1)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tester")


@pytest.fixture(scope="session")
def model_path(net: Net, folder: Path) -> Path:
    path = folder / "small.tflite"
    path.write_bytes(net.tflite())
    return path


@pytest.fixture(scope="session")
def bundle_path(folder: Path) -> Path:
    """A bundle with a frontend, whose labels are names and whose weights are noise."""
    from host.reference.frontend import features, quantize
    from host.reference.model import ReferenceModel

    frontend = FrontendContract(
        sample_rate=8000, chunk_samples=2048, fft_length=128, hop=64, frames=32, bins=64
    )
    model = make_net(2, (1, 64, 32, 1)).tflite()
    reference = ReferenceModel(model)
    given, scores = reference.inputs[0], reference.outputs[0]
    generator = np.random.default_rng(4)
    time = np.arange(2048) / 8000
    chunks = np.stack(
        [
            8000 * np.sin(2 * np.pi * (900 * n + 4000 * time) * time)
            + generator.normal(0, 300, 2048)
            for n in (1, 2)
        ]
    ).astype(np.int16)
    spectrograms = features(chunks, frontend)
    scale, zero_point = given.scale, given.zero_point
    inputs = quantize(spectrograms, scale, zero_point).reshape(2, 64, 32, 1)
    outputs = [reference.run([one[np.newaxis]])[scores.tensor][0] for one in inputs]
    vectors = vectors_to_npz(Vectors(chunks, spectrograms, inputs, np.stack(outputs)))
    files = {
        "model.tflite": model,
        "labels.txt": ("\n".join(LABELS) + "\n").encode(),
        "vectors.npz": vectors,
    }
    contract = Contract(
        frontend=frontend,
        labels=LABELS,
        output_activation="sigmoid",
        input=TensorContract(given.shape, "int8", scale, zero_point),
        output=TensorContract(scores.shape, "int8", scores.scale, scores.zero_point),
        rounding={},
        files={name: sha256_bytes(data) for name, data in files.items()},
        tools={"test": "1"},
    )
    path = folder / "bundle"
    write_bundle(path, contract, files)
    return path


Make = Callable[[Path, str], tuple[Subject, Project]]


@pytest.fixture(scope="session")
def made(folder: Path) -> Make:
    """Firmware of a model for a board, built once a session; skips where the board's tools are missing."""
    known: dict[tuple[Path, str], tuple[Subject, Project]] = {}

    def make(model: Path, board: str) -> tuple[Subject, Project]:
        need_tools(board)
        key = (model, board)
        if key not in known:
            known[key] = prepare(model, board, out=folder / f"{model.stem}-{board}")
        return load_subject(model), known[key][1]

    return make


def need_tools(board: str) -> None:
    tools = {"virtual": ("arm-none-eabi-gcc", "qemu-system-arm", "gdb-multiarch")}
    missing = [tool for tool in tools.get(board, ("gcc",)) if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"{board} needs {', '.join(missing)}")


@pytest.fixture(params=BOARDS)
def tier(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def boards(tmp_path: Path) -> Path:
    """Records and locks of this test alone."""
    return tmp_path / "boards"
