"""A whole training run, from a data folder to a checkpoint."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from host.errors import BadInput
from model_gen.data.cache import Skipped
from model_gen.data.dataset import Dataset, Recording, targets
from model_gen.data.digests import digests
from model_gen.data.features import Chunks, extract
from model_gen.data.hearing import LookOptions
from model_gen.data.look import begin, look
from model_gen.data.places import in_turn
from model_gen.data.reopen import train_selection
from model_gen.data.split import Assignment, of_split, to_csv
from model_gen.data.tell import findings
from model_gen.frontends import frontend
from model_gen.models.backbones import hears_waveform, remarks
from model_gen.models.build import build_model
from model_gen.models.checkpoint import beside, config_files, load_checkpoint, weights_sha256
from model_gen.models.config import ModelConfig
from model_gen.profile.show import expected
from model_gen.progress import bar, line, warn
from model_gen.runtime import tensorflow
from model_gen.training.alone import alone_at
from model_gen.training.batches import TrainBatches
from model_gen.training.configure import configure
from model_gen.training.devices import over_devices
from model_gen.training.engine import fit
from model_gen.training.extensions import extensions_of
from model_gen.training.noise_bank import named_bank
from model_gen.training.options import TrainOptions
from model_gen.training.probe import Backbone, backbone_of
from model_gen.training.resume import check_same, state_to_resume
from model_gen.training.state import Progress
from model_gen.training.taught import teacher_of

SETTLE_CHUNKS = 256  # chunks that the frontend's first statistics come from


@dataclass(frozen=True)
class TrainResult:
    """What came out of a run."""

    checkpoint: Path
    config: ModelConfig
    progress: Progress
    weights_sha256: str  # of the checkpoint
    parameters: int
    recordings: dict[str, int]  # split -> recordings
    chunks: dict[str, int]  # split -> chunks
    skipped: tuple[Skipped, ...]


def train(
    options: TrainOptions, *, callbacks: Sequence[Any] = (), stop_after: int | None = None
) -> TrainResult:
    """Index, split, extract, train; everything that the run leaves lies beside `options.checkpoint_path`.

    `callbacks`: Keras's, which follow those that the options name.

    Raises:
        BadInput: options or data are unusable; nothing was written then.
        HostFailure: another run trains this checkpoint, or TensorFlow fails.
    """
    if options.qat:
        from model_gen.training.qat.run import train_qat

        return train_qat(options, stop_after)
    tensorflow()  # before anything else computes with it: threads cannot be set afterwards
    backbone = None
    if options.linear_probe:
        options, backbone = backbone_of(options)
    with alone_at(options.checkpoint_path), over_devices():
        return _train(options, backbone, callbacks, stop_after)


def _train(
    options: TrainOptions, backbone: Backbone | None, more: Sequence[Any], stop_after: int | None
) -> TrainResult:
    state = state_to_resume(options)
    callbacks = (*extensions_of(options), *more)
    looked_at = LookOptions.of(options)
    begun = begin(looked_at)
    begun.require()
    check_labels(begun.dataset.recordings, begun.dataset.labels, options)
    if backbone is None:
        config = configure(options, begun.dataset.labels)
        model = build_model(config, seed=options.seed, mixed=options.mixed_precision)
    else:
        config = backbone.configure(options, begun.dataset.labels)
        model = backbone.probe(config, options, mixed=options.mixed_precision)
    kept = build_model(config, seed=options.seed) if options.mixed_precision else model
    for told in remarks(config.backbone, model):
        warn(told)
    if not hears_waveform(config.backbone):  # which runs on no board
        for told in expected(model):
            line(told)
    noise = named_bank(options)
    teacher = teacher_of(options, begun.dataset.labels)
    others = [of.sha256 for of in (noise, teacher, backbone) if of is not None]
    if state is not None:
        contents = digests(begun.dataset.recordings, options.num_workers)
        data = content_sha256(begun.dataset, contents, others)
        check_same(state, options.checkpoint_path, config, data)
    # What is refused from here on is refused for what is heard.
    found = look(looked_at, begun=begun)
    for told in findings(found):
        warn(told)
    found.require()
    dataset, assignment = found.dataset, found.assignment
    measures = found.scene.measures
    contents = [measures[r.relative].sha256 for r in begun.dataset.recordings]
    data = content_sha256(begun.dataset, contents, others)
    parts = {
        split: _extract(dataset, assignment, split, config, options) for split in ("train", "val")
    }
    held_out = [
        Skipped(r.relative, found.scene.measures[r.relative].unreadable)
        for r in of_split(dataset.recordings, assignment, "test")
        if found.scene.measures[r.relative].unreadable
    ]
    for damage in held_out:
        warn(f"skipped {damage.path}: {damage.reason}")
    skipped = (*(s for part in parts.values() for s in part.skipped), *held_out)
    damaged = {s.path for s in skipped}
    heard = {label for r in parts["train"].recordings for label in r.labels}
    if not set(dataset.labels) <= heard:
        raise BadInput(
            "every class needs a readable recording in train",
            evidence=f"Received: none of {', '.join(sorted(set(dataset.labels) - heard))}",
            next_step="replace the recordings that were named as skipped",
        )
    taught = None if teacher is None else teacher.taught(parts["train"].recordings)
    batches = TrainBatches(parts["train"], dataset.labels, options, noise, taught)
    sample = np.unique(np.linspace(0, len(parts["train"]) - 1, SETTLE_CHUNKS).astype(int))
    settling = parts["train"].take(sample)
    if options.placement == "random":
        settling = in_turn(settling)
    if backbone is None and not hears_waveform(config.backbone):
        frontend(config.audio_frontend).settle(
            model, config, settling.features(range(len(settling)))
        )
    checkpoint = options.checkpoint_path
    companions = {
        **config_files(config, checkpoint),
        beside(checkpoint, "split.csv"): to_csv(assignment).encode(),
    }
    line(f"{len(parts['train'])} training chunks")
    progress = fit(
        model,
        kept,
        batches,
        parts["val"],
        dataset.labels,
        options,
        data,
        companions,
        state=state,
        callbacks=callbacks,
        stop_after=stop_after,
    )
    best, _ = load_checkpoint(checkpoint)
    return TrainResult(
        checkpoint=checkpoint,
        config=config,
        progress=progress,
        weights_sha256=weights_sha256(best),
        parameters=model.count_params(),
        recordings=dict(
            sorted(Counter(s for path, s in assignment.items() if path not in damaged).items())
        ),
        chunks={split: len(part) for split, part in parts.items()},
        skipped=skipped,
    )


def _extract(
    dataset: Dataset,
    assignment: Assignment,
    split: str,
    config: ModelConfig,
    options: TrainOptions,
) -> Chunks:
    recordings = of_split(dataset.recordings, assignment, split)
    with bar(f"recordings of {split}", len(recordings)) as show:
        chunks = extract(
            recordings,
            config.frontend,
            train_selection(config),
            cache_dir=options.cache_dir,
            num_workers=options.num_workers,
            on_skip=lambda s: warn(f"skipped {s.path}: {s.reason}"),
            on_progress=show,
        )
    line(f"recordings of {split}: {chunks.summary}")
    return chunks


def check_labels(
    recordings: Sequence[Recording], labels: Sequence[str], options: TrainOptions
) -> None:
    """Refuse recordings that a softmax cannot learn: one class each is what it says.

    Raises:
        BadInput: a recording has no class, or several.
    """
    if options.class_activation != "softmax":
        return
    counts = targets(recordings, labels).sum(axis=1)
    wrong = next((i for i, count in enumerate(counts) if count != 1), None)
    if wrong is not None:
        raise BadInput(
            "a softmax head needs recordings of exactly one class, and no noise folder",
            evidence=f"Received: {recordings[wrong].relative} with {counts[wrong]:g} labels",
            next_step="use --class-activation sigmoid, or take those recordings away",
        )


def content_sha256(dataset: Dataset, contents: Iterable[str], others: Iterable[str] = ()) -> str:
    """SHA-256 over all that decides split, labels and windows of recordings besides the options.

    Args:
        dataset: as it is indexed; its table and the paths of its recordings count.
        contents: SHA-256 of the bytes of each recording, "" where they cannot be read.
        others: digests of what else options name: noise, a teacher, a backbone.
    """
    rows = () if dataset.table is None else dataset.table.rows
    told = [(row.path, row.split, row.labels, row.recordist) for row in rows]
    digest = hashlib.sha256(f"{told}\n".encode(errors="surrogateescape"))
    for recording, content in zip(dataset.recordings, contents, strict=True):
        digest.update(f"{content} {recording.relative}\n".encode(errors="surrogateescape"))
    for other in others:
        digest.update(other.encode())
    return digest.hexdigest()
