"""Validation against a naive reference: one window at a time."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from host.reference.frontend import features
from model_gen.data.dataset import index_dataset
from model_gen.data.features import extract
from model_gen.data.selection import Selection
from model_gen.data.testing import CONTRACT, write_clips
from model_gen.evaluation.metrics import evaluate_scores
from model_gen.evaluation.pooling import activate
from model_gen.frontends import frontend
from model_gen.models.build import build_model
from model_gen.models.config import ModelConfig
from model_gen.models.dscnn import Options
from model_gen.runtime import tensorflow
from model_gen.training.judge import Judge
from model_gen.training.losses import loss_of
from model_gen.training.options import TrainOptions

tensorflow()  # before Keras computes: threads cannot be set afterwards

LABELS = ("a", "b")
CHUNK = CONTRACT.chunk_samples
CONFIG = ModelConfig(
    CONTRACT,
    LABELS,
    num_mels=8,
    options=Options(alpha=0.25, depth_multiplier=0.25, embeddings_size=16),
)


@pytest.mark.parametrize("placement", ["random", "fixed"])
def test_each_place_of_a_short_clip_counts_as_an_example(tmp_path: Path, placement: str) -> None:
    lengths = (700, 1500, 3000, CHUNK, 5 * CHUNK)
    data = write_clips(tmp_path / "data", lengths, (*LABELS, "Noise"))
    recordings = index_dataset(data).recordings
    val = extract(recordings, CONTRACT, Selection(salient=3), cache_dir=tmp_path / "c")
    options = TrainOptions(Path("data"), placement=placement)
    loss = loss_of(options, len(LABELS))
    model = build_model(CONFIG, seed=3)
    frontend("hybrid").settle(model, CONFIG, val.features(range(len(val))))
    head = model.get_layer("logits")
    head.set_weights([300 * weight for weight in head.get_weights()])  # scores far from ties
    row = Judge(val, LABELS, loss, options).result(model, epoch=1, learning_rate=0.1, loss=1.0)

    wanted, scores, losses = [], [], []
    for owner, recording in enumerate(recordings):
        sound, _ = soundfile.read(recording.path, dtype="int16")
        gap = CHUNK - len(sound)
        if gap > 0:
            examples = [[np.pad(sound, (at, gap - at))] for at in (0, gap // 2, gap)]
        else:
            examples = [[sound[at : at + CHUNK] for at in val.starts[val.owner == owner]]]
        target = np.array([recording.folder == label for label in LABELS], float)
        for windows in examples:
            inputs = features(np.stack(windows), CONTRACT)[..., None]
            logits = np.asarray(model(inputs, training=False), np.float64)
            probability = activate(logits.astype(np.float32), "sigmoid").astype(np.float64)
            scores.append(np.log(np.exp(10 * probability).mean(axis=0)) / 10)
            wanted.append(target)
            terms = np.log1p(np.exp(logits)) - target * logits
            losses += [*terms.mean(axis=1)]
    assert len(scores) == 3 * (3 * 3 + 2)
    want = evaluate_scores(np.array(wanted, np.float32), np.array(scores, np.float32), LABELS)
    assert row.val_loss == pytest.approx(np.mean(losses), rel=1e-5)
    assert row.val_ap == pytest.approx(want.average_precision)
    assert row.val_roc_auc == pytest.approx(want.roc_auc)
    assert row.val_top1 == pytest.approx(want.top1)
