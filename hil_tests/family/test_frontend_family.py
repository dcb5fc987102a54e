"""Every member of the family of frontends, in firmware, on every tier without hardware: 0 differing bytes; and the
stage is named where a damaged table first shows. Needs no --bundle."""

import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from host.bundle import Vectors, vectors_to_npz, write_bundle
from host.compare.flip import find_symbol, flip_bit
from host.compare.prepare import prepare
from host.compare.session import prove
from host.contract import Contract, FrontendContract, TensorContract
from host.files import sha256_bytes
from host.reference.frontend import features, quantize
from host.reference.frontend_cases import hard_chunks
from host.reference.frontend_diagnose import diagnose
from host.reference.frontend_members import MEMBERS, SAMPLES
from host.reference.frontend_stages import recorded_signal

KERNELS = Path(__file__).resolve().parents[2] / "firmware" / "kernels"
TOOLS = {
    "native": ("gcc",),
    "virtual": ("arm-none-eabi-gcc", "qemu-system-arm", "gdb-multiarch"),
}
CASES = ("silence", "square", "noise", "impulse of -32768 at 5999")
# A byte of the table, and the stage where it shows first. The top mantissa bit of an entry is flipped.
FAULTS = {
    "window": "window",
    "twiddle": "fft",
    "split": "spectrum",
    "weight": "bands",
    "cosine": "dct",
}


@pytest.fixture(params=TOOLS)
def tier(request: pytest.FixtureRequest) -> str:
    board: str = request.param
    missing = [tool for tool in TOOLS[board] if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"{board} needs {', '.join(missing)}")
    return board


@pytest.fixture(params=MEMBERS)
def member(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


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
    if str(KERNELS) not in sys.path:
        sys.path.insert(0, str(KERNELS))
    import testing_models  # type: ignore[import-not-found,unused-ignore]

    shape = (1, frontend.rows, frontend.frames, 1)
    scale = 1 / 255 if frontend.normalization == "minmax" else 1 / 64
    zero_point = -128 if frontend.normalization == "minmax" else 0
    tensors = [
        testing_models.Tensor(shape, scale, zero_point),
        testing_models.Tensor((2,), None, 0, np.array([1, 2]), "int32"),
        testing_models.Tensor((1, 1), scale, zero_point),
    ]
    model: bytes = testing_models.model(
        [("MEAN", [0, 1], [2], {"ReducerOptions": {"keepDims": False}}, 2)], tensors
    )
    return model


def test_member(tier: str, member: str, tmp_path: Path) -> None:
    """Features and model input of every chunk, every byte."""
    bundle = write_member(member, tmp_path)
    subject, project = prepare(bundle, tier, out=tmp_path / "project")
    verdict = prove(project, subject, tier, 0, 0, root=tmp_path / "boards")
    assert verdict.exact, verdict.headline
    assert verdict.vectors == 1 + len(CASES)


@pytest.mark.parametrize("table", FAULTS)
def test_a_damaged_table_is_named_with_its_stage(tier: str, table: str, tmp_path: Path) -> None:
    member = "mfcc"
    bundle = write_member(member, tmp_path)
    subject, project = prepare(bundle, tier, out=tmp_path / "project")
    chunk = recorded_signal()
    assert diagnose(project.elf, MEMBERS[member], chunk) is None
    symbol = find_symbol(project.elf, f"nj_frontend_{table}")
    flip_bit(project.elf, symbol, 4 * 21 + 2, 6)
    verdict = prove(project, subject, tier, 0, 0, root=tmp_path / "boards")
    assert not verdict.exact
    assert verdict.first_difference is not None
    assert verdict.first_difference.op == "FRONTEND"
    found = diagnose(project.elf, MEMBERS[member], chunk)
    assert found is not None
    assert (found.stage, found.table, found.entry) == (FAULTS[table], table, 21)
    assert replace(found).line.startswith(f"first differs in stage {FAULTS[table]}")
