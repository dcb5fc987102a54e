"""A whole quantization-aware training: from a checkpoint to {name}_qat.keras."""

import hashlib
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from host.errors import BadInput
from model_gen.data.dataset import find_recordings, largest
from model_gen.data.digests import digests
from model_gen.data.features import Chunks
from model_gen.data.split import Assignment, to_csv
from model_gen.models.backbones import check_boards
from model_gen.models.checkpoint import beside, config_files, load_checkpoint, weights_sha256
from model_gen.models.config import ModelConfig, load_config
from model_gen.progress import line, warn
from model_gen.quantization.calibration import calibration, calibration_features, manifest_csv
from model_gen.quantization.recordings import assignment_of, chunks_of
from model_gen.runtime import tensorflow
from model_gen.training.alone import alone_at
from model_gen.training.batches import TrainBatches
from model_gen.training.devices import check_one_device
from model_gen.training.engine import Refined, fit
from model_gen.training.extensions import extensions_of
from model_gen.training.judge import NotFinite
from model_gen.training.losses import loss_of
from model_gen.training.options import TrainOptions
from model_gen.training.resume import check_same, state_to_resume
from model_gen.training.run import TrainResult, check_labels
from model_gen.training.state import ANEW, EpochResult, State


def train_qat(options: TrainOptions, stop_after: int | None = None) -> TrainResult:
    """Fine-tune the model of `options.checkpoint_path` for int8; the base stays as it is.

    Raises:
        BadInput: there is no trained model of these classes, or options or data are unusable.
        HostFailure: another run trains there, or TensorFlow or its converter fails.
    """
    tensorflow()
    check_one_device("--qat")  # its steps are no sums over replicas
    base = options.checkpoint_path
    config = load_config(base)
    check_boards(config.backbone)
    assignment = assignment_of(base)
    check_classes(options, config, assignment)
    out = beside(base, "qat.keras")
    options = replace(options, checkpoint_path=out, class_activation=config.class_activation)
    with alone_at(out):
        return _train(options, base, config, assignment, stop_after)


def check_classes(options: TrainOptions, config: ModelConfig, assignment: Assignment) -> None:
    """Refuse a data folder of other classes than the model's; --max-classes says that it has more.

    Raises:
        BadInput: it has others, or lacks one.
    """
    if assignment.labels:  # a table has said what each recording is of
        return
    data = options.data_path_train
    found = Counter(label for recording in find_recordings(data)[0] for label in recording.labels)
    kept = largest(found, options.max_classes or len(found))
    if set(kept) != set(config.labels):
        raise BadInput(
            "--qat needs a model that was trained on the same classes",
            evidence=f"Received: a model of {', '.join(config.labels)}, and {data} with {', '.join(sorted(kept))}",
            next_step="train a head for other classes with --linear-probe, or a model with `nightjar train`; "
            "where --max-classes left some out, give it again",
        )


def check_finite(model: Any, base: Path) -> None:
    """Refuse to begin with weights that are none.

    Raises:
        BadInput: one is NaN or infinite.
    """
    for variable in model.variables:
        if not np.isfinite(np.asarray(variable)).all():
            raise BadInput(
                "--qat needs a model whose weights are finite",
                evidence=f"Received: {base}, whose {variable.path} is not",
                next_step="train it again, with a lower --learning-rate",
            )


def _train(
    options: TrainOptions,
    base: Path,
    config: ModelConfig,
    assignment: Assignment,
    stop_after: int | None,
) -> TrainResult:
    state = state_to_resume(options)
    callbacks = extensions_of(options)
    model, _ = load_checkpoint(base)
    check_finite(model, base)
    check_base(state, model, base)
    train, val = (
        chunks_of(
            split,
            config,
            assignment,
            options.data_path_train,
            num_workers=options.num_workers,
            cache_dir=options.cache_dir,
        )
        for split in ("train", "val")
    )
    check_labels((*train.recordings, *val.recordings), config.labels, options)
    data = _digest(model, train, val, options)
    check_same(state, options.checkpoint_path, config, data)
    manifest = calibration(train, options.calibration_samples, options.seed)
    line(f"{len(manifest)} chunks of {len(train.recordings)} recordings set the ranges")
    calibrating = calibration_features(manifest)
    from model_gen.training.qat.conversion import Conversion

    conversion = Conversion(config, calibrating)
    refined, refreshing = _refined(model, config, val, conversion, options)
    if state is not None:
        refined.before()  # the model is the base's still, which epochs are held against
    companions = {
        **config_files(config, options.checkpoint_path),
        beside(options.checkpoint_path, "split.csv"): to_csv(assignment).encode(),
        beside(options.checkpoint_path, "calibration.csv"): manifest_csv(manifest).encode(),
    }
    try:
        progress = fit(
            model,
            model,
            TrainBatches(train, config.labels, options),
            val,
            config.labels,
            options,
            data,
            companions,
            state=state,
            callbacks=(*refreshing, *callbacks),
            stop_after=stop_after,
            refined=refined,
        )
    except NotFinite as error:
        raise NotFinite(
            error.what,
            evidence=f"{error.evidence}; {options.checkpoint_path} is the best epoch before",
            next_step="lower --learning-rate, with --overwrite",
        ) from error
    best, _ = load_checkpoint(options.checkpoint_path)
    conversion.prove(model, best, options.checkpoint_path)
    return TrainResult(
        config=config,
        progress=progress,
        weights_sha256=weights_sha256(best),
        parameters=model.count_params(),
        recordings=dict(sorted(Counter(assignment.values()).items())),
        chunks={"train": len(train), "val": len(val)},
        skipped=(*train.skipped, *val.skipped),
        checkpoint=options.checkpoint_path,
    )


def _refined(
    model: Any,
    config: ModelConfig,
    val: Chunks,
    conversion: Any,
    options: TrainOptions,
) -> tuple[Refined, tuple[Any, ...]]:
    """What the engine trains and judges by, and the callbacks that go with it; `conversion` is a `Conversion`."""
    from model_gen.training.qat.faithful import Faithful, freeze
    from model_gen.training.qat.judge import ConvertedJudge
    from model_gen.training.qat.refresh import Refresh
    from model_gen.training.qat.shadow import Shadow
    from model_gen.training.qat.simulate import Simulation
    from model_gen.training.qat.teacher import Teacher

    loss = loss_of(options, len(config.labels))
    judge = ConvertedJudge(val, config.labels, loss, options, conversion)

    def before() -> EpochResult:
        conversion.of(model)  # refused here, with what is not finite, and not as an epoch
        return judge.result(model, epoch=0, learning_rate=0.0, loss=float("nan"))

    if options.qat_mode == "shadow":
        freeze(model)
        shadow = Shadow(model, loss, bits=options.qat_bits, per_tensor=options.qat_per_tensor)
        return Refined(shadow, judge, before), ()
    owned = conversion.of(model)  # of the base: a run that goes on takes its state later
    simulation = Simulation(model, owned)
    left = freeze(model, simulation)
    if left:
        warn(f"not trained, as the converter shares or drops its constants: {', '.join(left)}")
    learner = Faithful(model, simulation, Teacher(owned.calibrated), loss, config.class_activation)
    return Refined(learner, judge, before), (Refresh(conversion),)


def check_base(state: State | None, model: Any, base: Path) -> None:
    """Refuse to go on with a run that began with another model.

    Raises:
        BadInput: its weights are others.
    """
    if state is not None and not state.head.data.startswith(weights_sha256(model)):
        raise BadInput(
            "--resume needs the model that the run began with",
            evidence=f"Received: {base}, whose weights are not those of which {state.path} tells",
            next_step=f"restore the file, or {ANEW}",
        )


def _digest(model: Any, train: Chunks, val: Chunks, options: TrainOptions) -> str:
    """SHA-256 of the weights that it begins with, and over the recordings."""
    digest = hashlib.sha256()
    recordings = (*train.recordings, *val.recordings)
    for recording, content in zip(
        recordings, digests(recordings, options.num_workers), strict=True
    ):
        digest.update(f"{content} {recording.relative}\n".encode(errors="surrogateescape"))
    return f"{weights_sha256(model)} {digest.hexdigest()}"
