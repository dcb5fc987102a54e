from pathlib import Path
from typing import Any

import pytest

from model_gen.data.testing import TINY, write_clips
from model_gen.training import speed
from model_gen.training.batches import TrainBatches
from model_gen.training.options import TrainOptions
from model_gen.training.speed import windows_a_second


def test_windows_are_counted_against_the_processor_time_of_the_best_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch takes 9, 3, 2 and 4 seconds in the epochs; the first is not counted."""
    now = [0.0]
    epochs = []

    class Slow(TrainBatches):
        def batch(self, index: int) -> Any:
            epochs.append(self.epoch)
            now[0] += (9, 3, 2, 4)[self.epoch - 1]
            return super().batch(index)

    monkeypatch.setattr(speed, "TrainBatches", Slow)
    monkeypatch.setattr("time.process_time", lambda: now[0])
    data = write_clips(tmp_path / "data", 8 * (900,))
    tiny: dict[str, Any] = {**TINY, "upsample_ratio": 0.0}
    given = TrainOptions(data, cache_dir=tmp_path / "cache", **tiny)
    assert windows_a_second(given) == pytest.approx(16 / (2 * 2))
    assert sorted(set(epochs)) == [1, 2, 3, 4]
