"""Checks of the frontend, or of a port of it, against recorded stage vectors."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from host.errors import BadInput
from host.frontend_contract import FrontendContract
from host.reading import read_file
from host.reference.frontend_stages import (
    StageVector,
    first_difference,
    recorded_signal,
    stages,
    vectors,
)


@dataclass(frozen=True)
class Outcome:
    """Of one member."""

    member: str
    checked: tuple[str, ...]
    difference: tuple[StageVector, StageVector] | None  # recorded, received

    @property
    def equal(self) -> bool:
        return self.difference is None

    @property
    def line(self) -> str:
        """For people."""
        if self.difference is None:
            return f"{self.member}: equal in {', '.join(self.checked) or 'nothing: no stage was given'}"
        want, got = self.difference
        return (
            f"{self.member}: DIFFERS first in stage {want.name}: CRC-32 {want.crc32} expected, {got.crc32} received;"
            f" values begin {' '.join(want.first[:3])} expected, {' '.join(got.first[:3])} received"
        )

    def as_json(self) -> dict[str, Any]:
        first = None
        if self.difference is not None:
            want, got = self.difference
            first = {
                "stage": want.name,
                "crc32": {"want": want.crc32, "got": got.crc32},
                "first": {"want": list(want.first), "got": list(got.first)},
            }
        return {"member": self.member, "checked": list(self.checked), "first_difference": first}


def check_host(name: str, contract: FrontendContract, want: list[StageVector]) -> Outcome:
    """This host's library, on the test signal."""
    got = {v.name: v for v in vectors(stages(recorded_signal(contract.chunk_samples), contract))}
    return Outcome(name, tuple(v.name for v in want if v.name in got), first_difference(want, got))


def check_port(name: str, want: list[StageVector], port: Path) -> Outcome:
    """The files that a port wrote.

    Raises:
        BadInput: a file has another size than the stage.
    """
    got: dict[str, StageVector] = {}
    for vector in want:
        file = port / name / f"{vector.name}.bin"
        if not file.is_file():
            continue
        little = np.dtype(vector.dtype).newbyteorder("<")
        wanted, size = math.prod(vector.shape) * little.itemsize, file.stat().st_size
        if size != wanted:
            raise BadInput(
                f"stage {vector.name} of {name} is {vector.dtype} {list(vector.shape)},"
                f" {wanted} bytes",
                evidence=f"Received: {file} of {size} bytes",
            )
        array = np.frombuffer(read_file(file, f"stage {vector.name}", wanted), little)
        (got[vector.name],) = vectors(
            {vector.name: array.astype(vector.dtype).reshape(vector.shape)}
        )
    return Outcome(name, tuple(v.name for v in want if v.name in got), first_difference(want, got))


def dump_stages(contract: FrontendContract, folder: Path) -> None:
    """Write STAGE.bin of every stage, of the test signal."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in stages(recorded_signal(contract.chunk_samples), contract).items():
        little = array.astype(array.dtype.newbyteorder("<"))
        (folder / f"{name}.bin").write_bytes(little.tobytes())
