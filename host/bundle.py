"""The bundle: a folder with a model, its contract, its labels and a few real input windows."""

import io
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from host.contract import Contract, check_seal, contract_sha256
from host.errors import BadInput, IdentityFailure
from host.files import new_directory, sha256_bytes

MODEL = "model.tflite"
CONTRACT = "model.json"
LABELS = "labels.txt"
VECTORS = "vectors.npz"


@dataclass(frozen=True)
class Vectors:
    """Real input windows with the host reference's outputs.

    chunks int16 [n, chunk_samples]; features float32 [n, bins, frames]; inputs int8 [n, *input shape without batch];
    scores int8 [n, outputs].
    """

    chunks: npt.NDArray[np.int16]
    features: npt.NDArray[np.float32]
    inputs: npt.NDArray[np.int8]
    scores: npt.NDArray[np.int8]


@dataclass(frozen=True)
class Subject:
    """What is put on a board and judged: a model, and the contract if it came as a bundle."""

    path: Path
    model: bytes
    contract_json: bytes | None = None
    vectors_npz: bytes | None = None

    @cached_property
    def contract(self) -> Contract | None:
        return None if self.contract_json is None else Contract.from_json(self.contract_json)

    @property
    def model_sha256(self) -> str:
        return sha256_bytes(self.model)

    @property
    def contract_sha256(self) -> str:
        return contract_sha256(self.contract_json)

    def vectors(self) -> Vectors | None:
        """The bundle's own windows, or None for a bare .tflite."""
        if self.vectors_npz is None:
            return None
        with np.load(io.BytesIO(self.vectors_npz), allow_pickle=False) as npz:
            return Vectors(
                **{name: npz[name] for name in ("chunks", "features", "inputs", "scores")}
            )


def load_subject(path: Path) -> Subject:
    """Read a bundle folder or a bare .tflite.

    Raises:
        BadInput: it is neither, or a file is missing.
        IdentityFailure: a file of the bundle is not the one its contract names.
    """
    if path.is_file():
        return Subject(path, path.read_bytes())
    if not path.is_dir():
        state = "is neither" if path.exists() else "does not exist"
        raise BadInput(
            "expected a bundle folder or a .tflite file",
            evidence=f"Received: {path}, which {state}",
            next_step="make a bundle with `nightjar quantize`, or give the path of a .tflite",
        )
    required = (MODEL, CONTRACT, LABELS, VECTORS)
    _require(path, required)
    contract_json = (path / CONTRACT).read_bytes()
    check_seal(contract_json)
    contract = Contract.from_json(contract_json)
    listed = sorted({*contract.files, *required} - {CONTRACT})
    _require(path, listed)
    content = {name: (path / name).read_bytes() for name in listed}
    for name, data in content.items():
        if contract.files.get(name) != sha256_bytes(data):
            raise IdentityFailure(
                f"{name} is not the file that this bundle was made with",
                evidence=f"Received: SHA-256 {sha256_bytes(data)}; "
                f"{CONTRACT} says {contract.files.get(name)}",
                next_step="restore the file, or make the bundle again with `nightjar quantize`",
            )
    return Subject(path, content[MODEL], contract_json, content[VECTORS])


def _require(path: Path, names: Iterable[str]) -> None:
    missing = [name for name in names if not (path / name).is_file()]
    if missing:
        raise BadInput(
            f"a bundle holds {MODEL}, {CONTRACT}, {LABELS}, {VECTORS} and what {CONTRACT} lists",
            evidence=f"Received: {path} without {', '.join(missing)}",
            next_step="make the bundle again with `nightjar quantize`",
        )


def vectors_to_npz(vectors: Vectors) -> bytes:
    """The bytes of vectors.npz; the same arrays always give the same bytes."""
    stream = io.BytesIO()
    np.savez(
        stream,
        chunks=vectors.chunks,
        features=vectors.features,
        inputs=vectors.inputs,
        scores=vectors.scores,
    )
    return stream.getvalue()


def require_replaceable(path: Path) -> None:
    """Raise BadInput unless a bundle can be written to `path`: it is absent, an empty folder, or a bundle."""
    if not path.exists() or (path / CONTRACT).is_file():
        return
    found = sorted(p.name for p in path.iterdir()) if path.is_dir() else ["(it is a file)"]
    if found:
        raise BadInput(
            "a bundle replaces only an empty folder or another bundle",
            evidence=f"Received: {path}, which holds {found[0]}",
            next_step="give another --out, or remove what is there",
        )


def write_bundle(path: Path, contract: Contract, files: dict[str, bytes]) -> None:
    """Write a bundle whole or not at all; `contract.files` must hold the hashes of `files`.

    Raises:
        BadInput: `path` holds something that is not a bundle.
    """
    require_replaceable(path)
    with new_directory(path) as folder:
        for name, data in files.items():
            (folder / name).write_bytes(data)
        (folder / CONTRACT).write_bytes(contract.to_json())
