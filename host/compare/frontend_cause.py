"""Why a board's spectrogram differs: the stage and the table entry, where the firmware's own tables explain it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from host.compare.observation import Observation
from host.errors import HostFailure
from host.frontend_contract import FrontendContract

CODE = (
    "the firmware's tables are the contract's: it is the frontend's code, or the memory it works in"
)
BEYOND = "; that gives other features than the board's, so its code or memory is wrong too"


def explain_frontend(
    observation: Observation,
    elf: Path,
    contract: FrontendContract,
    chunk: npt.NDArray[np.int16],
) -> Observation:
    """The observation, the cause of its differing features made as exact as the ELF allows.

    Args:
        elf: the firmware that was judged.
        chunk: int16 [chunk_samples], what the features were computed from.
    """
    if not observation.findings or observation.findings[0].op != "FRONTEND":
        return observation
    first, *others = observation.findings
    if first.difference is None:
        return observation
    from host.reference.frontend_diagnose import diagnose

    try:
        found = diagnose(elf, contract, chunk)
    except HostFailure:  # not of this generator: the pattern of the difference is all there is
        return observation
    if found is None:
        cause = f"{first.cause}; {CODE}"
    else:
        explained = found.features.tobytes() == first.difference.got.tobytes()
        cause = found.line + ("" if explained else BEYOND)
    return replace(observation, findings=(replace(first, cause=cause), *others))
