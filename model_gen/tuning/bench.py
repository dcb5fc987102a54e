"""What a search is worth: its best trial against the preset's own options, on a speaker not heard."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from host.errors import HostFailure
from host.files import write_atomically
from model_gen.evaluation.bootstrap import Difference
from model_gen.evaluation.family.scores import KINDS, Scores, between, drawn, precision_of
from model_gen.evaluation.kept import keep
from model_gen.evaluation.learning.recipes import GEOMETRY
from model_gen.evaluation.learning.speakers import SPEAKER, Fold, fold_of, read_clips, speakers_of
from model_gen.training.options import TrainOptions
from model_gen.tuning.plan import Plan
from model_gen.tuning.result import Found

DEFAULT, BEST = "default", "best"
PRESET = "release"


@dataclass(frozen=True)
class BenchOptions:
    """What is measured.

    Attributes:
        data_path: folder of clips CLASS/SPEAKER_INDEX.wav.
        out: keeps the study and each model, so that nothing is trained twice.
        test: who tests; None is the first speaker. The next one validates, which the search is of.
        trials: of the search.
        seeds: 1 to this, of which both are trained again.
        budget_macs: of a trial; None is none.
        epochs: instead of the preset's; for trials.
    """

    data_path: Path
    out: Path
    test: str | None = None
    trials: int = 20
    seeds: int = 3
    budget_macs: int | None = None
    epochs: int | None = None


@dataclass(frozen=True)
class Row:
    """One model's worth: macro average precision on who tests, its mean over seeds, and its 95 % interval."""

    what: str
    kind: str
    trial: int
    ap: float
    low: float
    high: float
    seeds: int
    recordings: int
    macs: int
    parameters: int
    options: str

    def cells(self) -> tuple[str, ...]:
        """For people, under HEADING."""
        return (
            f"{self.what}, trial {self.trial}",
            self.kind,
            f"{self.ap:.3f}",
            f"{self.low:.3f} to {self.high:.3f}",
            f"{self.recordings:,}",
            str(self.seeds),
            f"{self.parameters:,}",
            f"{self.macs:,}",
        )


HEADING = ("options", "model", "macro AP", "95 %", "recordings", "seeds", "parameters", "MACs")


@dataclass(frozen=True)
class Measured:
    """A study, both models on who tests, and by how much the best one is better, by kind."""

    fold: Fold
    found: Found
    rows: tuple[Row, ...]
    apart: dict[str, Difference]


def measure(options: BenchOptions) -> Measured:
    """Search by validation's average precision; then train the best trial and trial 0 again, and hear who tests.

    Raises:
        BadInput: data or folder are unusable.
        HostFailure: a training fails, or no trial is complete.
    """
    from model_gen.tuning.run import tune

    fold = _fold(options)
    given = given_for(options, fold)
    found = tune(PRESET, given)
    if not found.best:
        raise HostFailure(
            "no trial of the search is complete: there is no best one to hold against the default",
            evidence=f"trial {found.trials[-1].number}: {found.trials[-1].reason}",
            next_step="give more --trials, or a greater --budget-macs",
        )
    plan = Plan.of(PRESET, given)
    chosen = {DEFAULT: 0, BEST: found.best[0]}
    scores = {
        what: [_scores(plan, found, number, seed) for seed in range(1, options.seeds + 1)]
        for what, number in chosen.items()
    }
    rows = tuple(
        _row(found, what, chosen[what], kind, scores[what]) for what in chosen for kind in KINDS
    )
    apart = {kind: difference(scores[BEST], scores[DEFAULT], kind) for kind in KINDS}
    return Measured(fold, found, rows, apart)


def given_for(options: BenchOptions, fold: Fold) -> dict[str, Any]:
    """What `nightjar train --tune` would be given: digits are heard as `bench learning` hears them."""
    parts = (
        fold.test,
        options.epochs and f"{options.epochs}-epochs",
        options.budget_macs and f"{options.budget_macs}-macs",
    )
    study = "-".join(part for part in parts if part)
    return {
        **GEOMETRY,
        "data_path_train": options.data_path,
        "group_by": SPEAKER,
        "test_group": (fold.test,),
        "val_group": (fold.val,),
        "checkpoint_path": options.out / study / "digits.keras",
        "cache_dir": options.out / "windows",
        "num_workers": 2,
        "epochs": options.epochs,
        "tune": True,
        "study": study,
        "objective": "ap",
        "n_trials": options.trials,
        "budget_macs": options.budget_macs,
    }


def difference(first: Sequence[Scores], second: Sequence[Scores], kind: str) -> Difference:
    """How much more average precision `first` has than `second`, in the mean over seeds.

    The interval is of draws of recordings, the same ones for every seed and for both.
    """
    return between(drawn([first], kind), drawn([second], kind))


def _fold(options: BenchOptions) -> Fold:
    speakers = speakers_of(read_clips(options.data_path))
    return fold_of(speakers, options.test or speakers[0])


def _scores(plan: Plan, found: Found, number: int, seed: int) -> Scores:
    """What the float and the int8 model of a trial's options and another seed say of who tests."""
    from model_gen.evaluation.family.child import scores_of

    folder = plan.options.checkpoint_path.with_name(f"trial-{number}-seed-{seed}")
    options = again(plan, found.trial(number).drawn, number, seed, folder)
    kept = folder / "scores.npz"
    keep(
        folder,
        kept.name,
        options.recipe(),
        lambda: write_atomically(kept, scores_of(options).to_npz()),
        f"trial {number}, seed {seed}",
    )
    return Scores.read(kept)


def again(
    plan: Plan, drawn: Mapping[str, Any], number: int, seed: int, folder: Path
) -> TrainOptions:
    """A trial's options, of another seed and place."""
    options = plan.trial_options(number, dict(drawn), resume=False)
    return replace(options, seed=seed, checkpoint_path=folder / "model.keras")


def _row(found: Found, what: str, number: int, kind: str, scores: Sequence[Scores]) -> Row:
    trial, precision = found.trial(number), precision_of(drawn([scores], kind))
    return Row(
        what=what,
        kind=kind,
        trial=number,
        ap=precision.value,
        low=precision.low,
        high=precision.high,
        seeds=len(scores),
        recordings=len(scores[0].wanted),
        macs=trial.macs or 0,
        parameters=trial.parameters or 0,
        options=trial.options,
    )
