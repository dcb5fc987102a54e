"""What a seed of a data set and preset came to: all that the tables need of it, and little enough to be committed."""

import base64
import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from model_gen.data.dataset import find_recordings
from model_gen.data.digests import digests
from model_gen.evaluation.family.scores import Drawn, Scores, drawn
from model_gen.evaluation.qat.jobs import KINDS, Job, options_for


@dataclass(frozen=True)
class Kind:
    """Of one kind of model.

    Attributes:
        ap: macro average precision, the mean over folds.
        draws: it in each draw of recordings, float32 little-endian [draws] in base64.
        epochs: of training, the most of a fold; 0 where nothing is trained.
        kept: the epoch whose weights are kept, the mean over folds.
        processor: seconds of training, the mean of those folds that were measured; None where none was.
        exact: models that the virtual board computes to the byte.
    """

    ap: float
    draws: str
    epochs: int
    kept: float
    processor: float | None
    exact: int

    @property
    def drawn(self) -> Drawn:
        """With its draws as numbers."""
        numbers = np.frombuffer(base64.b64decode(self.draws), "<f4").astype(np.float64)
        return Drawn(self.ap, numbers)


@dataclass(frozen=True)
class KeptSeed:
    """One seed, of all folds and kinds.

    Attributes:
        asked: digest of all else that decides what comes out; "" where nobody knows it any more.
        made: when, on what, and with which versions, as `made_by` has it.
        recordings: that test, of all folds.
        kinds: of each of KINDS.
    """

    data: str
    preset: str
    seed: int
    asked: str
    made: dict[str, Any]
    recordings: int
    folds: int
    kinds: dict[str, Kind]

    @property
    def of(self) -> tuple[str, str]:
        """Which rows it belongs to."""
        return self.data, self.preset


def kept_seed(
    jobs: Sequence[Job],
    scores: Sequence[Scores],
    exact: Sequence[bool],
    asked: str,
    made: dict[str, Any],
) -> KeptSeed:
    """Of what was measured for one seed of one data set and preset, in the jobs' order.

    `exact`: whether the virtual board was asked for a job's model, and found to be exact.
    """
    kinds = {}
    for kind in KINDS:
        chosen = [i for i, job in enumerate(jobs) if job.kind == kind]
        folds = [scores[i] for i in chosen]
        found = drawn([[fold] for fold in folds], kind)
        known = [one.processor for one in folds if not math.isnan(one.processor)]
        kinds[kind] = Kind(
            ap=found.value,
            draws=_text(found.draws),
            epochs=max(one.epochs for one in folds),
            kept=float(np.mean([one.best_epoch for one in folds])),
            processor=float(np.mean(known)) if known else None,
            exact=sum(exact[i] for i in chosen),
        )
    training = jobs[0].training
    return KeptSeed(
        data=training.data,
        preset=training.preset,
        seed=jobs[0].seed,
        asked=asked,
        made=made,
        recordings=sum(len(fold.wanted) for fold in folds),
        folds=len(folds),
        kinds=kinds,
    )


def content_of(data: Path) -> str:
    """Digest of the recordings of a folder, wherever it lies."""
    recordings = find_recordings(data)[0]
    each = zip(recordings, digests(recordings, 2), strict=True)
    text = "\n".join(sorted(f"{recording.relative} {content}" for recording, content in each))
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()


def asked_of(jobs: Sequence[Job], content: str) -> str:
    """Digest of all that decides what a seed's jobs come to but the seed; `content` is that of their recordings."""
    recipes = []
    for job in jobs:
        options = options_for(job, Path())
        recipe = {} if options is None else options.recipe()
        recipes.append([job.kind, {name: recipe[name] for name in recipe if name != "seed"}])
    text = json.dumps([content, recipes], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _text(draws: npt.NDArray[np.float64]) -> str:
    return base64.b64encode(draws.astype("<f4").tobytes()).decode()
