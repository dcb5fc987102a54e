"""The engine on batches of a test's own, with real validation recordings."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from host.errors import BadInput
from model_gen.data.dataset import index_dataset
from model_gen.data.features import Chunks, extract
from model_gen.data.selection import Selection
from model_gen.data.testing import CONTRACT, write_tiny_dataset
from model_gen.models.build import build_model
from model_gen.models.checkpoint import weights_sha256
from model_gen.models.config import ModelConfig
from model_gen.models.dscnn import Options
from model_gen.runtime import tensorflow
from model_gen.training.batch import Batch, Batches
from model_gen.training.engine import fit
from model_gen.training.losses import loss_of
from model_gen.training.optimizers import is_kernel
from model_gen.training.options import TrainOptions
from model_gen.training.steps import Supervised
from model_gen.training.testing_tiny import tiny

tensorflow()  # before Keras computes: threads cannot be set afterwards

LABELS = ("down", "up")
CONFIG = ModelConfig(
    CONTRACT,
    LABELS,
    num_mels=8,
    options=Options(alpha=0.25, depth_multiplier=0.25, embeddings_size=16),
)


class Keyed(Batches):
    """Six batches, each by epoch and index alone; the last is smaller."""

    def __init__(self, fails_at: int | None = None, **given: Any) -> None:
        super().__init__(**given)
        self._fails_at = fails_at

    def __len__(self) -> int:
        return 6

    def positives(self) -> Any:
        return np.array([10.0, 20.0])

    def batch(self, index: int) -> Batch:
        if (self.epoch, index) == (2, self._fails_at):
            raise BadInput("a recording must stay as it is", evidence="Received: none")
        rng = np.random.default_rng([self.epoch, index])
        size = 3 if index == 5 else 4
        x = rng.uniform(0, 1, (size, CONTRACT.bins, CONTRACT.frames, 1)).astype(np.float32)
        y = rng.integers(0, 2, (size, 2)).astype(np.float32)
        return Batch(x, y, weights=np.ones(size, np.float32), rows=np.arange(size))


def recordings(root: Path) -> Chunks:
    """A chunk each of six recordings."""
    dataset = index_dataset(write_tiny_dataset(root / "data", per_class=2))
    return extract(dataset.recordings, CONTRACT, Selection(salient=1), cache_dir=root / "cache")


@pytest.fixture(scope="module")
def val(tmp_path_factory: pytest.TempPathFactory) -> Chunks:
    return recordings(tmp_path_factory.mktemp("engine"))


def run(batches: Batches, val: Chunks, folder: Path, **given: Any) -> str:
    """Train three epochs; the digest of the last weights."""
    options = TrainOptions(
        Path("data"),
        checkpoint_path=folder / "x.keras",
        epochs=3,
        learning_rate=0.01,
        batch_size=4,
        **given,
    )
    model = tiny(CONFIG, seed=1)
    fit(model, model, batches, val, LABELS, options, "", {})
    return weights_sha256(model)


@pytest.mark.slow
def test_batches_come_in_order_from_threads_and_processes(val: Chunks, tmp_path: Path) -> None:
    one = run(Keyed(), val, tmp_path / "one")
    assert run(Keyed(workers=3, max_queue_size=4), val, tmp_path / "threads") == one
    assert run(Keyed(workers=2, use_multiprocessing=True), val, tmp_path / "processes") == one


@pytest.mark.parametrize(("workers", "processes"), [(1, False), (3, False), (2, True)])
def test_what_a_batch_raises_reaches_the_caller(
    val: Chunks, tmp_path: Path, workers: int, processes: bool
) -> None:
    with pytest.raises(BadInput, match="must stay as it is"):
        run(Keyed(fails_at=4, workers=workers, use_multiprocessing=processes), val, tmp_path)


def test_numbers_that_are_not_finite_end_the_run(val: Chunks, tmp_path: Path) -> None:
    class Wild(Keyed):
        def batch(self, index: int) -> Batch:
            made = super().batch(index)
            return Batch(made.inputs * np.float32(np.nan), made.targets)

    with pytest.raises(BadInput, match="finite"):
        run(Wild(), val, tmp_path)


def test_the_loss_of_a_step_is_its_naive_definition() -> None:
    """Rows count by their weights, labels are smoothed, classes weigh on the positive term."""
    options = TrainOptions(Path("data"), label_smoothing=0.2, l2=0.01)
    positive = np.array([0.5, 3.0], np.float32)
    model = build_model(CONFIG, seed=3)
    step = Supervised(model, loss_of(options, 2), positive, options.l2)
    batch = Keyed().batch(5)
    weights = np.array([0.0, 1.0, 2.5], np.float32)
    logits = np.asarray(model(batch.inputs), np.float64)
    got = step.compute_loss(
        batch.inputs, {"targets": batch.targets}, logits.astype(np.float32), weights
    )
    total = 0.0
    for row in range(3):
        for column in range(2):
            y, p = 0.8 * batch.targets[row, column] + 0.1, 1 / (1 + np.exp(-logits[row, column]))
            cost = -positive[column] * y * np.log(p) - (1 - y) * np.log(1 - p)
            total += weights[row] * cost / 6
    kernels = [np.asarray(v) for v in model.trainable_variables if is_kernel(v)]
    assert len(kernels) == sum(
        "kernel" in v.path and "pwl" not in v.path for v in model.trainable_variables
    )
    total += 0.01 * sum((k.astype(np.float64) ** 2).sum() for k in kernels)
    assert float(got) == pytest.approx(total, rel=1e-4)
