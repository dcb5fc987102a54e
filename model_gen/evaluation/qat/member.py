"""`python -m model_gen.evaluation.qat.member JOB OUT`: one member, in a process with a TensorFlow of its own."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from host.bundle import load_subject
from host.errors import HostFailure
from host.typed import typed
from model_gen.data.dataset import targets
from model_gen.data.features import Chunks
from model_gen.evaluation.child import answer
from model_gen.evaluation.metrics import evaluate_scores
from model_gen.evaluation.pooling import activate
from model_gen.evaluation.qat.members import BUNDLE, PLACES, Agreed, Job, options_for
from model_gen.models.checkpoint import beside, load_checkpoint
from model_gen.quantization.calibration import calibration_features, read_manifest
from model_gen.quantization.int8 import Int8Model
from model_gen.quantization.ranges.own import Owned, owned_checkpoint
from model_gen.quantization.recordings import assignment_of, chunks_of
from model_gen.runtime import tensorflow
from model_gen.training.options import TrainOptions
from model_gen.training.placement import Placement
from model_gen.training.run import train

_BY_LAYER, _BATCH = 24, 50
Floats = npt.NDArray[np.float32]


def run(job: Job, folder: Path) -> Agreed:
    """Train, train for int8, quantize into `folder`, and compare.

    Raises:
        NightjarError: as training and quantization do; HostFailure: the bundle is not what was simulated.
    """
    from model_gen.evaluation.family.hear import bundle_of

    tensorflow()
    float_options, qat_options = options_for(job, folder)
    train(float_options)
    trained = train(qat_options)
    kept = trained.checkpoint
    model, config = load_checkpoint(kept)
    data, assignment = Path(job.data_path), assignment_of(kept)
    learned, *others = (
        chunks_of(split, config, assignment, data, num_workers=2, cache_dir=folder / "windows")
        for split in ("train", "val", "test")
    )
    manifest = read_manifest(beside(kept, "calibration.csv"), learned)
    owned = owned_checkpoint(kept, calibration_features(manifest))
    bundle_of(kept, data, folder / BUNDLE, cache_dir=folder / "windows", seed=qat_options.seed)
    if load_subject(folder / BUNDLE).model != owned.int8:
        raise HostFailure("the bundle's model is not what was simulated", evidence=f"{folder}")
    windows = np.concatenate([_heard(chunks, qat_options) for chunks in others])
    wanted = np.concatenate(
        [np.tile(targets(c.recordings, config.labels)[c.owner], (PLACES, 1)) for c in others]
    )
    return _agreed(model, owned, windows, wanted, config, trained.progress.best_epoch)


def _heard(chunks: Chunks, options: TrainOptions) -> Floats:
    """Each window PLACES times: where evaluation and boards hear it, then where training might."""
    rows = np.arange(len(chunks))
    placement = Placement(chunks, options, None)
    moved = [
        placement.pcm(rows, [np.random.default_rng((place, int(row))) for row in rows])
        for place in range(1, PLACES)
    ]
    return np.concatenate([chunks.features_of(pcm) for pcm in (chunks.pcm(rows), *moved)])


def _agreed(
    model: Any, owned: Owned, windows: Floats, wanted: Floats, config: Any, kept: int
) -> Agreed:
    import tensorflow as tf

    from model_gen.training.qat.agreement import by_layer, differing_kernels
    from model_gen.training.qat.simulate import Simulation

    simulation = Simulation(model, owned)
    kernels = differing_kernels(simulation, owned)
    if kernels:
        raise HostFailure("kernels are simulated as others", evidence=", ".join(kernels))
    layers = by_layer(simulation, owned, windows[:_BY_LAYER])
    whole = tf.function(simulation)
    parts = [
        np.asarray(whole(windows[i : i + _BATCH, ..., None]))
        for i in range(0, len(windows), _BATCH)
    ]
    int8 = Int8Model(owned.int8)
    steps = np.stack([int8.scores(int8.steps(window)) for window in windows]).astype(int)
    simulated, scale = np.concatenate(parts), int8.output.scale
    converted = ((steps - int8.output.zero_point) * scale).astype(np.float32)
    apart = np.abs(np.round((simulated - converted) / scale))
    tops = [each == each.max(1, keepdims=True) for each in (simulated, converted)]
    alone = np.logical_and(*(top.sum(1) == 1 for top in tops))
    agree = np.logical_and(*tops).any(1)
    return Agreed(
        kept=kept,
        windows=len(windows),
        values=layers.values,
        unequal=layers.unequal,
        far=layers.far,
        top=float(agree.mean()),
        alone=float(agree[alone].mean()),
        tied=int((~alone).sum()),
        same=float((apart == 0).mean()),
        apart=float(apart.mean()),
        simulated=_ap(wanted, simulated, config),
        converted=_ap(wanted, converted, config),
    )


def _ap(wanted: Floats, logits: Floats, config: Any) -> float:
    scores = activate(logits, config.class_activation)
    found = evaluate_scores(wanted, scores, config.labels).average_precision
    assert found is not None
    return float(found)


if __name__ == "__main__":
    sys.exit(
        answer(
            lambda job, out: json.dumps(asdict(run(typed(Job, job), out.parent))).encode(),
            *sys.argv[1:],
        )
    )
