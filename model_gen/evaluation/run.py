"""A whole evaluation: a checkpoint, a bundle, a board, a bare model, or several of them, on the
recordings of one split."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt

from host.places import check_folder
from model_gen.data.dataset import Recording, targets
from model_gen.data.split import Assignment
from model_gen.evaluation.alarms import alarms
from model_gen.evaluation.annotated import Annotated, annotated
from model_gen.evaluation.bootstrap import Difference, Draws, compare, draw
from model_gen.evaluation.curves import curves
from model_gen.evaluation.events import peaks_of, recall_of
from model_gen.evaluation.hear import judged_recordings, units
from model_gen.evaluation.latency import measure
from model_gen.evaluation.models import BOARD, INT8, Board, Judged, models_of
from model_gen.evaluation.options import EvaluateOptions
from model_gen.evaluation.pooling import POOLINGS
from model_gen.evaluation.quality import judge
from model_gen.evaluation.result import EvaluateResult, Kind
from model_gen.evaluation.scored import Scored, score
from model_gen.evaluation.subject import Listener, listener, listener_of, parts
from model_gen.evaluation.thresholds import VALIDATION, best_f1
from model_gen.progress import bar, line

__all__ = ["EvaluateOptions", "EvaluateResult", "evaluate"]

Floats = npt.NDArray[np.float64]
FEW = 10  # units below which an interval is told to be rough


def evaluate(options: EvaluateOptions, board: Board | None = None) -> EvaluateResult:
    """Score whole recordings by pooled, overlapping chunks; int8 always by TFLite's reference kernels.

    `board` computes the bundle's frontend and model, too.

    Raises:
        BadInput: models, data, annotations or cache folder are unusable, or models do not belong
            together.
    """
    check_folder("--cache-dir", options.cache_dir)
    subject = listener_of(options.checkpoint, options.bundle, options.like)
    models = models_of(options, subject, board)
    config = subject.config
    found = judged_recordings(options.data_path, subject, options.split)
    _warn_of_second(options, found)
    units(found, options.data_path, options.group_by, options.labels)  # refused before the work
    chosen_on = None
    if options.thresholds == VALIDATION:
        chosen_on = judged_recordings(options.data_path, subject, "val")
    if options.annotations is not None:
        annotated(options.annotations, found, config.labels)
    if board is not None:
        board.ready()
    heard = score(options, models, subject, found, options.split)
    thresholds, said = _thresholds(options, subject, models, heard, chosen_on)
    wanted = targets(heard.recordings, config.labels)
    drawn = draw(
        units(heard.recordings, options.data_path, options.group_by, options.labels),
        draws=options.draws,
        seed=options.seed,
    )
    if drawn.units < FEW:
        many = f"{drawn.units} {drawn.what}{'s' if drawn.units != 1 else ''}"
        line(f"warning: only {many} to draw from: {_doubt(drawn)}")
    events = None
    if options.annotations is not None:
        events = annotated(options.annotations, heard.recordings, config.labels)
    kinds: dict[str, Kind] = {}
    with bar("poolings judged", len(models) * len(POOLINGS), plain=False) as show:
        for one in models:
            kinds[one.kind] = _judge(
                one, options, config.labels, heard, wanted, thresholds[one.kind], drawn, events
            )
            show(len(kinds) * len(POOLINGS))
    _warn_of_unheard(kinds)
    main = heard.chunks[models[0].kind]
    heard.forget()
    result = EvaluateResult(
        split=options.split,
        labels=config.labels,
        recordings=len(heard.recordings),
        chunks=len(main),
        skipped=main.skipped,
        kinds=kinds,
        pooling=options.pooling,
        wanted=wanted,
        folders=tuple(recording.folder for recording in heard.recordings),
        thresholds_from=said,
        units=drawn.units,
        unit=drawn.what,
        draws=options.draws,
        seed=options.seed,
        compared=_compared(kinds),
        differing=_differing(heard.logits),
        annotated=None if events is None else events.tables,
    )
    if result.absent:
        line(
            f"no judged recording is of {', '.join(result.absent)}: "
            "the metrics of these classes are None, and in no mean"
        )
    return result


def _judge(
    one: Judged,
    options: EvaluateOptions,
    labels: tuple[str, ...],
    heard: Scored,
    wanted: npt.NDArray[np.float32],
    thresholds: Mapping[str, Floats],
    drawn: Draws,
    events: Annotated | None,
) -> Kind:
    """Every figure of one model, under each pooling."""
    pooled = {how: heard.pooled(one.kind, how) for how in POOLINGS}
    quality = {
        how: judge(
            wanted,
            scores,
            labels,
            thresholds=thresholds[how],
            k=min(options.top_k, len(labels)),
            weights=drawn.weights,
        )
        for how, scores in pooled.items()
    }
    chunks, peaks = heard.chunks[one.kind], None
    if events is not None:
        rate = one.frontend.sample_rate
        peaks = peaks_of(
            events.events,
            chunks.starts / rate,
            chunks.owner,
            one.frontend.chunk_samples / rate,
            heard.scores[one.kind],
        )
    folders = [recording.folder for recording in heard.recordings]
    return Kind(
        kernels=one.model.description,
        quality=quality,
        pooled=pooled,
        curves=curves(wanted, pooled[options.pooling]),
        alarms=alarms(wanted, pooled["max"], thresholds["max"], folders),
        events=None
        if peaks is None
        else recall_of(peaks, labels, thresholds["max"], drawn.weights),
        peaks=peaks,
        latency=measure(one.model, chunks) if options.timed and one.kind != BOARD else None,
    )


def _thresholds(
    options: EvaluateOptions,
    subject: Listener,
    models: Sequence[Judged],
    heard: Scored,
    chosen_on: Sequence[Recording] | None,
) -> tuple[dict[str, dict[str, Floats]], str]:
    """Kind -> pooling -> thresholds [labels]; and where they are from, for people.

    chosen_on: the recordings that choose them; None: the judged ones themselves.
    """
    labels = subject.config.labels
    if not isinstance(options.thresholds, str):
        same = np.full(len(labels), options.thresholds)
        every = {one.kind: dict.fromkeys(POOLINGS, same) for one in models}
        return every, f"{options.thresholds:g}, as given"
    judged, said = heard, "best F1 of each class on the judged recordings themselves"
    if chosen_on is not None:
        judged = score(options, models, subject, chosen_on, "val")
        said = f"best F1 of each class on {len(judged.recordings)} validation recordings"
    wanted = targets(judged.recordings, labels)
    made = {
        one.kind: {how: best_f1(wanted, judged.pooled(one.kind, how)) for how in POOLINGS}
        for one in models
    }
    if judged is not heard:
        heard.unfinished.extend(judged.unfinished)
    return made, said


def _doubt(drawn: Draws) -> str:
    return "no figure has an interval" if drawn.units < 2 else "their intervals are rough"


def _compared(
    kinds: Mapping[str, Kind],
) -> dict[tuple[str, str], dict[str, dict[str, Difference | None]]]:
    """Every pair of models by the same draws."""
    return {
        (first, second): {
            how: compare(one.figures, other.figures, one.draws, other.draws)
            for how, one in kinds[first].quality.items()
            for other in (kinds[second].quality[how],)
        }
        for first, second in combinations(kinds, 2)
    }


def _differing(logits: Mapping[str, npt.NDArray[np.float32]]) -> int | None:
    """Scores of the board that are not the reference's step; None without a board."""
    if BOARD not in logits:
        return None
    return int((logits[BOARD] != logits[INT8]).sum())


def _warn_of_second(options: EvaluateOptions, found: Sequence[Recording]) -> None:
    """Say how many of the judged recordings the second model was trained or chosen on."""
    if options.against is None or options.against.suffix == ".tflite":
        return
    known = parts(listener(options.against).split) or Assignment()
    seen = sum(known.get(recording.relative) in ("train", "val") for recording in found)
    if seen and options.split not in ("train", "val"):
        line(
            f"warning: {options.against} was trained or chosen on {seen} of the {len(found)} "
            "recordings: the comparison favours it"
        )


def _warn_of_unheard(kinds: Mapping[str, Kind]) -> None:
    """Say which models have no event recall though there are events."""
    for name, kind in kinds.items():
        if kind.events is None and kind.peaks is not None and kind.peaks.unheard:
            line(
                f"warning: no window of {name} covers any of the {kind.peaks.unheard} annotated "
                "events: there is no event recall"
            )
