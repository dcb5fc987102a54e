"""What of recordings is heard, and what else a look at them depends on; nothing heavy is loaded."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Self

from model_gen.data.geometry import chunk_samples


@dataclass(frozen=True)
class Hearing:
    """What of a recording training hears.

    sample_rate: in Hz. chunk: samples of a window. max_duration: seconds that are read, 0 for all.
    most: windows of a recording.
    """

    sample_rate: int
    chunk: int
    max_duration: float
    most: int


@dataclass(frozen=True)
class LookOptions:
    """What a look depends on: options of training, by their names there."""

    data_path_train: Path
    sample_rate: int
    chunk_duration: float
    max_duration: float
    max_chunks_per_file: int
    val_split: float
    test_split: float
    seed: int
    group_by: str | None = None
    split_file: bool = True
    test_data: Path | None = None
    test_group: tuple[str, ...] = ()
    val_group: tuple[str, ...] = ()
    labels: Path | None = None
    multi_label: bool = False
    max_samples: int | None = None
    max_classes: int | None = None
    epochs: int = 50
    num_workers: int = 1

    @classmethod
    def of(cls, options: object) -> Self:
        """Those of a training run."""
        return cls(**{field.name: getattr(options, field.name) for field in fields(cls)})

    @property
    def test_share(self) -> float:
        """The share of recordings kept for testing: none beside an outside test set."""
        return 0.0 if self.test_data is not None else self.test_split

    @property
    def hearing(self) -> Hearing:
        """What of a recording is heard."""
        chunk = chunk_samples(self.sample_rate, self.chunk_duration)
        return Hearing(self.sample_rate, chunk, self.max_duration, self.max_chunks_per_file)
