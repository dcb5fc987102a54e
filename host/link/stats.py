"""Counters of one connection."""

from dataclasses import asdict, dataclass


@dataclass
class LinkStats:
    """What went over the link and what was wrong with it. Counts since the client was made."""

    frames_out: int = 0
    frames_in: int = 0
    bytes_out: int = 0
    bytes_in: int = 0
    crc_errors: int = 0  # blocks that look like a damaged frame
    retries: int = 0  # requests or pieces sent again
    duplicates: int = 0  # frames that repeat what was already taken
    stale: int = 0  # frames of an earlier request
    gaps: int = 0  # frames missing by their sequence numbers
    noise_bytes: int = 0  # bytes outside frames

    @property
    def clean(self) -> bool:
        """Whether nothing was ever damaged or lost. What was asked again because its answer came late, was not."""
        return not (self.crc_errors or self.gaps or self.retries > self.stale)

    def as_dict(self) -> dict[str, int]:
        return asdict(self)

    def __str__(self) -> str:
        return ", ".join(f"{name} {value}" for name, value in asdict(self).items())
