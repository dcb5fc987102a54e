"""A whole evaluation: a checkpoint, a bundle or both, on the recordings of one split."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from host.bundle import load_subject
from host.errors import BadInput
from host.places import check_folder
from model_gen.data.cache import Skipped
from model_gen.data.dataset import Recording, targets
from model_gen.data.features import Chunks, extract
from model_gen.data.reopen import EVALUATION_OVERLAP, recordings_of
from model_gen.data.selection import Selection
from model_gen.data.split import Assignment, read_split
from model_gen.data.tell import ignored
from model_gen.data.walk import Ignored
from model_gen.evaluation.metrics import Metrics, evaluate_scores
from model_gen.evaluation.pooling import POOLINGS, activate, pool
from model_gen.models.checkpoint import beside
from model_gen.models.config import ModelConfig, load_config
from model_gen.progress import bar, line, warn

SPLIT = "split.csv"


@dataclass(frozen=True)
class EvaluateOptions:
    """One evaluation; at least one of `checkpoint` and `bundle`."""

    data_path: Path
    checkpoint: Path | None = None
    bundle: Path | None = None
    split: str = "test"  # train, val, test or all
    overlap: float = EVALUATION_OVERLAP
    max_duration: float | None = (
        None  # seconds of a recording; None: as in training, 60 for a bundle
    )
    num_workers: int = 2
    cache_dir: Path | None = None  # None: the cache `windows`


@dataclass(frozen=True)
class EvaluateResult:
    """`metrics` is kind ("float", "int8") -> pooling -> metrics over recordings."""

    labels: tuple[str, ...]
    recordings: int
    chunks: int
    skipped: tuple[Skipped, ...]
    metrics: dict[str, dict[str, Metrics]]
    kernels: dict[str, str]  # kind -> what computed the scores


def evaluate(options: EvaluateOptions) -> EvaluateResult:
    """Score whole recordings by pooled, overlapping chunks; int8 always by TFLite's reference kernels.

    Raises:
        BadInput: models, data or cache folder are unusable, or checkpoint and bundle do not belong together.
    """
    check_folder("--cache-dir", options.cache_dir)
    config, split = _subject(options)
    selection = Selection(
        config.max_duration if options.max_duration is None else options.max_duration,
        overlap=options.overlap,
    )
    recordings = _recordings(options, config, split)
    with bar(f"recordings of {options.split}", len(recordings)) as show:
        chunks = extract(
            recordings,
            config.frontend,
            selection,
            cache_dir=options.cache_dir,
            num_workers=options.num_workers,
            on_skip=lambda s: warn(f"skipped {s.path}: {s.reason}"),
            on_progress=show,
        )
    line(f"recordings of {options.split}: {chunks.summary}")
    logits: dict[str, npt.NDArray[np.float32]] = {}
    kernels: dict[str, str] = {}
    if options.checkpoint is not None:
        logits["float"], kernels["float"] = _float_logits(options.checkpoint, chunks)
    if options.bundle is not None:
        logits["int8"], kernels["int8"] = _int8_logits(options.bundle, chunks)
    wanted = targets(chunks.recordings, config.labels)
    metrics = {
        kind: {
            how: evaluate_scores(
                wanted,
                pool(
                    activate(values, config.class_activation),
                    chunks.owner,
                    len(chunks.recordings),
                    how,
                ),
                config.labels,
            )
            for how in POOLINGS
        }
        for kind, values in logits.items()
    }
    return EvaluateResult(
        config.labels, len(chunks.recordings), len(chunks), chunks.skipped, metrics, kernels
    )


def _tell(found: Sequence[Ignored]) -> None:
    for told in ignored(found):
        line(told)


def _recordings(options: EvaluateOptions, config: ModelConfig, split: Path) -> list[Recording]:
    """The recordings to judge; of "all" it is told how many are likely to be no test of the model."""
    everything = options.split == "all"
    if not everything and not split.is_file():
        raise BadInput(
            "the model does not say which recordings it was trained on",
            evidence=f"Received: {split}, which does not exist",
            next_step="give --split all for recordings that training never saw",
        )
    known = _parts(split) or Assignment()
    found = recordings_of(options.data_path, config.labels, known, options.split, on_ignored=_tell)
    seen = sum(known.get(recording.relative) in ("train", "val") for recording in found)
    if everything and seen:
        line(
            f"warning: {seen} of {len(found)} recordings have paths that the model was trained or chosen on: "
            "in its own data folder, --split test judges it fairly"
        )
    return found


def _subject(options: EvaluateOptions) -> tuple[ModelConfig, Path]:
    """Geometry, labels and the split's file, from the checkpoint or from the bundle; of both, they must agree."""
    config: ModelConfig | None = None
    split = Path()
    if options.checkpoint is not None:
        config = load_config(options.checkpoint)
        split = beside(options.checkpoint, SPLIT)
    if options.bundle is not None:
        contract = load_subject(options.bundle).contract
        if contract is None:
            raise BadInput(
                "expected a bundle, which says how to listen",
                evidence=f"Received: {options.bundle}, a bare model",
                next_step="make a bundle with `nightjar quantize`",
            )
        of_bundle = ModelConfig(
            frontend=contract.frontend,
            labels=contract.labels,
            class_activation=contract.output_activation,
        )
        if config is None:
            config, split = of_bundle, options.bundle / SPLIT
            if os.path.lexists(split) and SPLIT not in contract.files:
                raise BadInput(
                    f"{SPLIT} is not the file that this bundle was made with",
                    evidence=f"Received: {split}",
                    next_step="make the bundle again with `nightjar quantize`",
                )
        elif _listening(config) != _listening(of_bundle):
            raise BadInput(
                "checkpoint and bundle must have the same labels, frontend and activation",
                evidence=f"Received: {options.checkpoint} and {options.bundle}",
                next_step="make the bundle from this checkpoint with `nightjar quantize`",
            )
        elif _parts(split) != _parts(options.bundle / SPLIT):
            raise BadInput(
                "checkpoint and bundle must have the same split: one was trained on the other's test",
                evidence=f"Received: {split} and {options.bundle / SPLIT}, which differ",
                next_step="make the bundle from this checkpoint with `nightjar quantize`",
            )
    if config is None:
        raise BadInput(
            "expected a checkpoint or a bundle",
            evidence="Received: neither",
            next_step="name the model to evaluate",
        )
    return config, split


def _parts(split: Path) -> Assignment | None:
    """What a split's file says; None where there is none, which `evaluate` refuses when it needs one."""
    return read_split(split) if split.is_file() else None


def _listening(config: ModelConfig) -> tuple[object, ...]:
    """What two models must share to be compared."""
    return config.frontend, config.labels, config.class_activation


def _float_logits(checkpoint: Path, chunks: Chunks) -> tuple[npt.NDArray[np.float32], str]:
    import keras

    from model_gen.models.checkpoint import load_checkpoint
    from model_gen.models.predict import predict_logits
    from model_gen.runtime import tensorflow

    tf = tensorflow()
    model, _ = load_checkpoint(checkpoint)
    return predict_logits(model, chunks), f"keras {keras.__version__}, tensorflow {tf.__version__}"


def _int8_logits(bundle: Path, chunks: Chunks) -> tuple[npt.NDArray[np.float32], str]:
    from model_gen.quantization.int8 import Int8Model

    model = Int8Model(load_subject(bundle).model)
    return model.logits(chunks), model.reference.description
