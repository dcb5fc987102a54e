"""The frontend that judges a board: the very C that boards run, or its operations in NumPy where no compiler is."""

import numpy as np
import numpy.typing as npt

from host.contract import FrontendContract
from host.reference import frontend, frontend_numpy
from host.reference.frontend_library import is_there


def features(chunks: npt.NDArray[np.int16], contract: FrontendContract) -> frontend.Floats:
    """Features as the model sees them: float32 [n, rows, frames] of int16 [n, chunk_samples]."""
    if is_there():
        return frontend.features(chunks, contract)
    return frontend_numpy.features(chunks, contract)


def quantize(values: frontend.Floats, scale: float, zero_point: int) -> npt.NDArray[np.int8]:
    """Steps, as `host.reference.frontend.quantize` gives them."""
    if is_there():
        return frontend.quantize(values, scale, zero_point)
    return frontend_numpy.quantize(values, scale, zero_point)
