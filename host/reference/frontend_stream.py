"""Features of overlapping chunks of a long recording: each frame is computed once."""

import ctypes
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from host.contract import FrontendContract
from host.errors import BadInput
from host.reference import frontend_library as library
from host.reference.frontend import Floats, aligned, describe


class FrontendStream:
    """Takes samples in blocks of any size, gives the features of chunk after chunk.

    The bits are those of `features` on each chunk. A frame that lies inside several chunks is computed once; one that
    reaches beyond an end of its chunk sees zeros there, and is computed for that chunk.
    """

    def __init__(self, contract: FrontendContract, stride: int) -> None:
        """Begin a recording.

        Args:
            contract: which features; not of a raw waveform.
            stride: samples from the beginning of a chunk to that of the next, a multiple of the hop.

        Raises:
            BadInput: the stride is none.
        """
        if contract.spectrum == "none":
            raise BadInput("a raw waveform has no frames to share", evidence="Received: raw")
        if not 1 <= stride < 1 << 31 or stride % contract.hop:
            raise BadInput(
                f"the stride must be a multiple of the hop, {contract.hop} samples, and below 2^31",
                evidence=f"Received: {stride}",
            )
        self._library = library.load()
        self._contract = contract
        self._rows = contract.mel_bands or contract.bins
        frontend = describe(contract)
        self._scratch = aligned(self._library.nj_frontend_scratch(ctypes.byref(frontend)))
        self._state = library.Stream(
            frontend,
            stride,
            history=np.zeros(contract.chunk_samples, np.int16),
            ring=np.zeros((self._rows, contract.frames), np.float32),
        )
        self._library.nj_stream_start(ctypes.byref(self._state))

    @property
    def computed(self) -> int:
        """Frames that were computed so far."""
        return int(self._state.computed)

    def push(self, samples: npt.NDArray[np.int16]) -> Iterator[Floats]:
        """The features, float32 [rows, frames], of each chunk that `samples` (int16, one dimension) completes."""
        if samples.dtype != np.int16 or samples.ndim != 1:
            raise BadInput(
                "expected int16 samples in one dimension",
                evidence=f"Received: {samples.dtype} {list(samples.shape)}",
            )
        rest = np.ascontiguousarray(samples)
        state, scratch = ctypes.byref(self._state), self._scratch.ctypes
        while rest.size:
            taken = self._library.nj_stream_push(state, rest.ctypes, rest.size, scratch)
            rest = rest[taken:]
            if self._library.nj_stream_ready(state):
                room = np.empty((self._rows, self._contract.frames), np.float32)
                self._library.nj_stream_take(state, room.ctypes, scratch)
                yield np.ascontiguousarray(room[: self._contract.rows])


def recording_features(
    samples: npt.NDArray[np.int16], contract: FrontendContract, stride: int
) -> Floats:
    """Features of all whole chunks of a recording, `stride` samples apart: float32 [n, rows, frames]."""
    found = list(FrontendStream(contract, stride).push(samples))
    return np.stack(found) if found else np.empty((0, contract.rows, contract.frames), np.float32)
