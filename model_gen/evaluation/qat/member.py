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
from model_gen.evaluation.child import answer
from model_gen.evaluation.learning.recipes import GEOMETRY
from model_gen.evaluation.metrics import evaluate_scores
from model_gen.evaluation.pooling import activate
from model_gen.evaluation.qat.members import BUNDLE, MEMBERS, Agreed, Job
from model_gen.models.checkpoint import beside, load_checkpoint
from model_gen.quantization.calibration import calibration_features, read_manifest
from model_gen.quantization.int8 import Int8Model
from model_gen.quantization.ranges.own import Owned, owned_checkpoint
from model_gen.quantization.recordings import assignment_of, chunks_of
from model_gen.runtime import tensorflow
from model_gen.training.options import TrainOptions
from model_gen.training.presets import options_of
from model_gen.training.run import train

_EPOCHS, _QAT_EPOCHS, _QAT_RATE, _BY_LAYER, _BATCH = 12, 2, 1e-4, 24, 50
Floats = npt.NDArray[np.float32]


def run(job: Job, folder: Path) -> Agreed:
    """Train, train for int8, quantize into `folder`, and compare.

    Raises:
        NightjarError: as training and quantization do; HostFailure: the bundle is not what was simulated.
    """
    from model_gen.evaluation.family.hear import bundle_of

    tensorflow()
    float_options, qat_options = _options(job, folder)
    train(float_options)
    kept = train(qat_options).checkpoint
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
    windows = np.concatenate([chunks.features(range(len(chunks))) for chunks in others])
    wanted = np.concatenate([targets(chunks.recordings, config.labels) for chunks in others])
    return _agreed(model, owned, windows, wanted, config)


def _agreed(model: Any, owned: Owned, windows: Floats, wanted: Floats, config: Any) -> Agreed:
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
    top = steps[np.arange(len(steps)), simulated.argmax(1)] == steps.max(1)
    return Agreed(
        windows=len(windows),
        values=layers.values,
        unequal=layers.unequal,
        far=layers.far,
        top=float(top.mean()),
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


def _options(job: Job, folder: Path) -> tuple[TrainOptions, TrainOptions]:
    """Of the float training, and of QAT."""
    common = {
        "data_path_train": Path(job.data_path),
        "checkpoint_path": folder / "model.keras",
        "cache_dir": folder / "windows",
        "num_workers": 2,
    }
    geometry = {k: v for k, v in GEOMETRY.items() if k != "num_mels" or "mfcc" not in job.member}
    learned = {**geometry, **MEMBERS[job.member], "epochs": _EPOCHS}
    tuned = {"qat": True, "epochs": _QAT_EPOCHS, "learning_rate": _QAT_RATE}
    return options_of("release", {**common, **learned}), options_of("release", {**common, **tuned})


if __name__ == "__main__":
    sys.exit(
        answer(
            lambda job, out: json.dumps(asdict(run(typed(Job, job), out.parent))).encode(),
            *sys.argv[1:],
        )
    )
