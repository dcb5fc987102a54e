"""The bundle: a folder with a model, its contract, its labels and a few real input windows."""

import io
import math
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from host.arrays import read_arrays
from host.contract import Contract, check_seal, contract_sha256
from host.errors import BadInput, IdentityFailure
from host.files import sha256_bytes
from host.owned import new_directory
from host.reading import MOST_JSON, kind_of, read_file

MODEL = "model.tflite"
CONTRACT = "model.json"
LABELS = "labels.txt"
VECTORS = "vectors.npz"
NPU_MANIFEST = "neural_art.json"  # of what `nightjar generate --backend neural_art` writes

MOST_MODEL = 256 << 20  # bytes of a model, and of a bundle's files together
MOST_UNPACKED = 256 << 20  # bytes of the arrays of vectors.npz

_AGAIN = "make the bundle again with `nightjar quantize`"


@dataclass(frozen=True)
class Vectors:
    """Real input windows with the host reference's outputs.

    chunks int16 [n, chunk_samples]; features float32 [n, bins, frames]; inputs int8 [n, *input shape without batch];
    scores int8 [n, outputs]. They are not written to.
    """

    chunks: npt.NDArray[np.int16]
    features: npt.NDArray[np.float32]
    inputs: npt.NDArray[np.int8]
    scores: npt.NDArray[np.int8]


@dataclass(frozen=True)
class Subject:
    """What is put on a board and judged: a model, and the contract if it came as a bundle.

    `files` are those of the bundle that its contract lists, by name, as they were found right.
    """

    path: Path
    model: bytes
    contract_json: bytes | None = None
    files: dict[str, bytes] = field(default_factory=dict, repr=False)

    @cached_property
    def contract(self) -> Contract | None:
        return None if self.contract_json is None else Contract.from_json(self.contract_json)

    @property
    def model_sha256(self) -> str:
        return sha256_bytes(self.model)

    @property
    def contract_sha256(self) -> str:
        return contract_sha256(self.contract_json)

    @property
    def npu_budget(self) -> tuple[str, ...]:
        """What a bundle lets layers of the NPU differ from TFLite by, a line each; see `NpuBudget`."""
        budget = None if self.contract is None else self.contract.npu_budget
        return () if budget is None else tuple(budget.lines())

    def vectors(self) -> Vectors | None:
        """The bundle's own windows, or None for a bare .tflite.

        Raises:
            BadInput: they are not as the contract says.
        """
        return self._vectors

    @cached_property
    def _vectors(self) -> Vectors | None:
        if self.contract is None or VECTORS not in self.files:
            return None
        frontend, outputs = self.contract.frontend, math.prod(self.contract.output.shape)
        wanted = {
            "chunks": (np.int16, (frontend.chunk_samples,)),
            "features": (np.float32, (frontend.rows, frontend.frames)),
            "inputs": (np.int8, self.contract.input.shape[1:]),
            "scores": (np.int8, (outputs,)),
        }
        return Vectors(
            **read_arrays(self.files[VECTORS], VECTORS, wanted, MOST_UNPACKED, next_step=_AGAIN)
        )


def load_subject(path: Path) -> Subject:
    """Read a bundle folder or a bare .tflite.

    Raises:
        BadInput: it is neither; or a file is missing, a link, too large, or none of a bundle.
        IdentityFailure: a file of the bundle is not the one its contract names.
    """
    if path.is_file():
        return Subject(path, read_file(path, "a model", MOST_MODEL))
    if not path.is_dir():
        state = f"is {kind_of(path.stat().st_mode)}" if path.exists() else "does not exist"
        raise BadInput(
            "expected a bundle folder or a .tflite file",
            evidence=f"Received: {path}, which {state}",
            next_step="make a bundle with `nightjar quantize`, or give the path of a .tflite",
        )
    if (path / NPU_MANIFEST).is_file() and not (path / CONTRACT).exists():
        raise BadInput(
            "expected a bundle folder or a .tflite file, not what stedgeai made of one for the NPU",
            evidence=f"Received: {path} with {NPU_MANIFEST}",
            next_step="`nightjar build` makes firmware of it; give the bundle or .tflite that it was made of",
        )
    required = (MODEL, CONTRACT, LABELS, VECTORS)
    _require(path, required)
    contract_json = _member(path, CONTRACT, MOST_JSON)
    check_seal(contract_json)
    contract = Contract.from_json(contract_json)
    listed = sorted({*contract.files, *required} - {CONTRACT})
    _require(path, listed)
    files: dict[str, bytes] = {}
    for name in listed:
        left = MOST_MODEL - sum(map(len, files.values()))
        files[name] = _member(path, name, left)
        digest = sha256_bytes(files[name])
        if contract.files.get(name) != digest:
            raise IdentityFailure(
                f"{name} is not the file that this bundle was made with",
                evidence=f"Received: SHA-256 {digest}; {CONTRACT} says {contract.files.get(name)}",
                next_step=f"restore the file, or {_AGAIN}",
            )
    subject = Subject(path, files[MODEL], contract_json, files)
    subject.vectors()
    return subject


def _member(path: Path, name: str, limit: int) -> bytes:
    """A file of a bundle. Through a link, an error would show another file's hash."""
    return read_file(path / name, name, limit, follow=False, next_step=_AGAIN)


def _require(path: Path, names: Iterable[str]) -> None:
    missing = [name for name in names if not os.path.lexists(path / name)]
    if missing:
        raise BadInput(
            f"a bundle holds {MODEL}, {CONTRACT}, {LABELS}, {VECTORS} and what {CONTRACT} lists",
            evidence=f"Received: {path} without {', '.join(missing)}",
            next_step=_AGAIN,
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


def write_bundle(
    path: Path, contract: Contract, files: dict[str, bytes], *, force: bool = False
) -> None:
    """Write a bundle whole or not at all; `contract.files` must hold the hashes of `files`.

    Raises:
        BadInput: `path` holds something that is not a bundle as it was written, without `force`.
    """
    with new_directory(path, force=force) as folder:
        for name, data in files.items():
            (folder / name).write_bytes(data)
        (folder / CONTRACT).write_bytes(contract.to_json())
