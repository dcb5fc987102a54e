"""All runs that are asked for, one process at a time; what is done already is taken from the file that keeps it."""

import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from host.errors import HostFailure
from host.installed import setup_command
from host.typed import typed
from model_gen.evaluation.child import ask
from model_gen.evaluation.learning.child import Job
from model_gen.evaluation.learning.recipes import OURS, RECIPES, version_of
from model_gen.evaluation.learning.result import INT8, Run, latest
from model_gen.evaluation.learning.speakers import digest_of, fold_of, read_clips, speakers_of
from model_gen.evaluation.lines import add_line, read_lines
from model_gen.progress import line

SEEDS = 3


@dataclass(frozen=True)
class LearningOptions:
    """What is measured. `speakers`: who test, in turn; () is all. `out` keeps each run, a line of JSON."""

    data_path: Path
    out: Path
    recipes: tuple[str, ...] = RECIPES
    speakers: tuple[str, ...] = ()
    seeds: int = SEEDS  # 1 to this
    float_only: bool = False
    epochs: int | None = None  # instead of the recipes'; for trials


def measure(options: LearningOptions) -> tuple[Run, ...]:
    """Every (seed, speaker, recipe), in this order, so that what an early end leaves can be compared.

    With them come runs of other recipes that `out` keeps of the same speakers and seeds.

    Raises:
        BadInput: data or `out` are unusable.
        HostFailure: librosa is missing, or a run fails.
    """
    clips = read_clips(options.data_path)
    everybody = speakers_of(clips)
    folds = [fold_of(everybody, name) for name in options.speakers or everybody]
    if "reference" in options.recipes:
        _require_librosa()
    data = digest_of(clips)
    versions = {recipe: version_of(recipe, options.epochs) for recipe in RECIPES}
    kept = latest(
        run
        for run in read_lines(Run, options.out, "nightjar bench learning")
        if run.data == data and run.version == versions.get(run.recipe)
    )
    jobs = [
        Job(
            recipe=recipe,
            data_path=str(options.data_path),
            test=fold.test,
            seed=seed,
            int8=recipe in OURS and not options.float_only,
            epochs=options.epochs,
        )
        for seed in range(1, options.seeds + 1)
        for fold in folds
        for recipe in options.recipes
    ]
    for number, job in enumerate(jobs, 1):
        what = f"run {number} of {len(jobs)}: {job.recipe}, {job.test} tests, seed {job.seed}"
        run = kept.get((job.recipe, job.test, job.seed))
        if run is not None and serves(run, job):
            line(f"{what}: measured before")
            continue
        begun = time.monotonic()
        run = run_job(job)
        kept[run.key] = run
        add_line(options.out, run)
        line(
            f"{what}: clean {run.top1['float']['clean']:.3f}, {run.processor:.0f} s of processor"
            f" time to train, {time.monotonic() - begun:.0f} s in all"
        )
    pairs = {(job.test, job.seed) for job in jobs}
    chosen = [run for run in kept.values() if run.pair in pairs]
    return tuple(sorted(chosen, key=lambda run: (RECIPES.index(run.recipe), run.pair)))


def serves(run: Run, job: Job) -> bool:
    """Whether a run that was kept answers a job: with int8 figures where they are asked for."""
    return not job.int8 or INT8 in run.top1 or bool(run.int8_refused)


def run_job(job: Job) -> Run:
    """One job in a child process.

    Raises:
        HostFailure: it failed; with the end of what it said.
    """
    with tempfile.TemporaryDirectory(prefix="nightjar-") as name:
        out = Path(name) / "run.json"
        ask(
            "model_gen.evaluation.learning.child",
            job,
            out,
            failed=f"a run of the recipe {job.recipe} failed",
            of=f"{job.test} tests, seed {job.seed}",
        )
        return typed(Run, json.loads(out.read_text(encoding="utf-8")))


def _require_librosa() -> None:
    try:
        import librosa  # noqa: F401
    except ImportError as error:
        raise HostFailure(
            "the reference recipe needs librosa",
            evidence=str(error),
            next_step=f"{setup_command('dev')}, or name other recipes with --recipe",
        ) from error


def chosen_recipes(given: Sequence[str]) -> tuple[str, ...]:
    """The recipes that are named, each once and in the table's order; all where none is."""
    return tuple(recipe for recipe in RECIPES if not given or recipe in given)
