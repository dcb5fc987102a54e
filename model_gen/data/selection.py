"""Which chunks of a recording are used."""

from dataclasses import dataclass

from model_gen.audio.chunks import Loudness, chunk_starts, salient_starts


@dataclass(frozen=True)
class Selection:
    """Which chunks of a recording are used: up to `salient` loud ones, or all with `overlap` when that is 0."""

    max_duration: float = 60.0  # seconds read of one recording; 0: all of it
    salient: int = 0
    overlap: float = 0.0

    @property
    def seconds(self) -> float | None:
        """Seconds read of one recording at most; None for all of it."""
        return self.max_duration or None

    def margin(self, chunk: int) -> int:
        """Samples that are kept on both sides of a chunk, so that training can move it."""
        return chunk // 2 if self.salient else 0

    def starts(self, samples: int, chunk: int, loudness: Loudness) -> list[int]:
        """Starts of the chosen chunks, in samples, in a recording of `samples` that was heard whole."""
        if self.salient:
            return salient_starts(loudness, samples, chunk, self.salient)
        return chunk_starts(samples, chunk, self.overlap)
