"""The windows of recordings, and what each model scores them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from host.errors import BadInput
from model_gen.data.dataset import Recording
from model_gen.data.features import Chunks
from model_gen.data.selection import Selection
from model_gen.evaluation.hear import hear
from model_gen.evaluation.models import Judged
from model_gen.evaluation.options import EvaluateOptions
from model_gen.evaluation.pooling import activate, pool
from model_gen.evaluation.subject import Listener
from model_gen.evaluation.unfinished import Unfinished

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Scored:
    """Of each kind its windows, logits float32 and scores float64 [windows, labels].

    unfinished: where the logits are kept until the evaluation ends.
    """

    recordings: tuple[Recording, ...]
    chunks: dict[str, Chunks]
    logits: dict[str, npt.NDArray[np.float32]]
    scores: dict[str, Floats]
    unfinished: list[Unfinished] = field(default_factory=list)

    def pooled(self, kind: str, how: str) -> Floats:
        """Scores of the recordings, [recordings, labels]."""
        return pool(self.scores[kind], self.chunks[kind].owner, len(self.recordings), how)

    def forget(self) -> None:
        """The evaluation has come to its end: what was kept for going on is dropped."""
        for one in self.unfinished:
            one.forget()


def score(
    options: EvaluateOptions,
    models: Sequence[Judged],
    subject: Listener,
    recordings: Sequence[Recording],
    split: str,
) -> Scored:
    """Hear the recordings by each model's contract, and score every window.

    Raises:
        BadInput: none can be decoded, one model cannot hear what another hears, or scores are not
            finite.
    """
    config = subject.config
    longest = config.max_duration if options.max_duration is None else options.max_duration
    selection = Selection(longest, overlap=options.overlap)
    by_geometry: dict[tuple[int, int], Chunks] = {}
    chunks: dict[str, Chunks] = {}
    kept: Sequence[Recording] = recordings
    for one in models:
        key = one.frontend.sample_rate, one.frontend.chunk_samples
        if key not in by_geometry:
            made = hear(
                kept,
                one.frontend,
                selection,
                split=split,
                cache_dir=options.cache_dir,
                num_workers=options.num_workers,
            )
            if by_geometry and len(made.recordings) != len(kept):
                raise BadInput(
                    "two models are compared on the same recordings",
                    evidence=f"Received: {made.skipped[0].path}, which the second cannot hear: "
                    f"{made.skipped[0].reason}",
                    next_step="take the recording out of the data folder",
                )
            by_geometry[key], kept = made, made.recordings
        chunks[one.kind] = replace(by_geometry[key], contract=one.frontend)
    logits, scores, unfinished = {}, {}, []
    for one in models:
        own = chunks[one.kind]
        keeper = Unfinished(one.kind + one.model.identity, own, len(config.labels))
        unfinished.append(keeper)
        logits[one.kind] = keeper.logits(one.kind, one.model.logits)
        wrong = int((~np.isfinite(logits[one.kind])).sum())
        if wrong:
            keeper.forget()
            raise BadInput(
                "a model must give finite scores",
                evidence=f"Received: {wrong} of {logits[one.kind].size} scores by {one.kind} that "
                "are none",
                next_step="make the model again; its weights are damaged",
            )
        scores[one.kind] = activate(logits[one.kind], one.model.activation)
    return Scored(tuple(kept), chunks, logits, scores, unfinished)
