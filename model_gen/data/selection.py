"""Which chunks of a recording are used."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model_gen.audio.chunks import chunk_starts, salient_starts


@dataclass(frozen=True)
class Selection:
    """Which chunks of a recording are used: up to `salient` loud ones, or all with `overlap` when that is 0."""

    max_duration: float = 60.0  # seconds read of one recording
    salient: int = 0
    overlap: float = 0.0

    def starts(self, recording: npt.NDArray[np.int16], chunk: int) -> list[int]:
        """Starts of the chosen chunks, in samples."""
        if self.salient:
            return salient_starts(recording, chunk)[: self.salient]
        return chunk_starts(len(recording), chunk, self.overlap)
