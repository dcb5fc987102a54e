"""`nightjar bench qat`: what int8 costs a preset, after training and trained for."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from host.cli.bench_family import HOME as FAMILY
from host.cli.bench_family import folders_of_data
from host.cli.columns import say_columns
from host.cli.common import say, write_json
from host.cli.proved import proved

if TYPE_CHECKING:
    from model_gen.evaluation.qat.jobs import Job
    from model_gen.evaluation.qat.kept_seed import KeptSeed

HOME = Path("build/bench/qat")


def bench_qat(
    json_path: str | None,
    *,
    results_path: Path | None = None,
    data_path: Path,
    tests: tuple[str, ...] = (),
    presets: tuple[str, ...] = (),
    seeds: int,
    epochs: int | None = None,
) -> int:
    """Train, quantize, hear, prove, print; see `nightjar bench --help`.

    Each seed of a data set and preset is added to the file of results when it is whole, and those that are there are
    not measured again.

    Args:
        results_path: that file, which sittings add to. `json_path` is not: what lies there is removed at the beginning,
            as that of any command.
        tests: who tests, in turn; () is every speaker.
        presets: that train; () is every one.
        seeds: 1 to this.
        epochs: of every training; None is as the presets and modes have it.
    """
    from host.results import check_result
    from model_gen.evaluation.family.jobs import jobs_of as trainings_of
    from model_gen.evaluation.qat.jobs import seeds_of
    from model_gen.evaluation.qat.kept_seed import asked_of, content_of
    from model_gen.evaluation.qat.results import Results
    from model_gen.evaluation.qat.table import HEADING, PAIR_HEADING, verdicts
    from model_gen.progress import line

    results = Results()
    if results_path is not None:
        check_result(results_path, name="--results")
        results = Results.read(results_path)
    digits, speakers, birds = folders_of_data(data_path, json_path)
    trainings = trainings_of(
        *(digits, speakers, birds), tests=tests, presets=presets, epochs=epochs
    )
    contents = {path: content_of(Path(path)) for path in {one.data_path for one in trainings}}
    asked_for = []
    for jobs in seeds_of(trainings, seeds):
        training, seed = jobs[0].training, jobs[0].seed
        of, asked = (training.data, training.preset), asked_of(jobs, contents[training.data_path])
        asked_for.append(of)
        if results.has(of, seed, asked):
            line(f"{training.preset} on {training.data}, seed {seed}: kept in {results_path}")
            continue
        results = results.add(_measured(jobs, asked))
        write_json(results_path, results.to_json())
    write_json(json_path, results.to_json())
    rows = [row.cells() for row in results.rows if (row.data, row.preset) in asked_for]
    pairs = [pair for pair in results.pairs if (pair.data, pair.preset) in asked_for]
    say_columns([HEADING, *rows], json_path)
    say_columns([PAIR_HEADING, *(pair.cells() for pair in pairs)], json_path)
    for told in verdicts(pairs):
        say(told, json_path)
    return 0


def _measured(jobs: "Sequence[Job]", asked: str) -> "KeptSeed":
    from model_gen.evaluation.family.measure import SCORES
    from model_gen.evaluation.family.scores import Scores
    from model_gen.evaluation.learning.payload import made_by
    from model_gen.evaluation.qat.jobs import FAITHFUL
    from model_gen.evaluation.qat.kept_seed import kept_seed
    from model_gen.evaluation.qat.measure import measure

    folders = measure(jobs, HOME, FAMILY)
    exact = [job.kind == FAITHFUL for job in jobs]
    for folder, prove in zip(folders, exact, strict=True):
        if prove:
            _prove(folder)
    scores = [Scores.read(folder / SCORES) for folder in folders]
    return kept_seed(jobs, scores, exact, asked, made_by())


def _prove(folder: Path) -> None:
    """Hold the virtual board against a job's bundle, once."""
    import json

    from host.bundle import load_subject
    from host.files import write_atomically
    from model_gen.evaluation.kept import keep

    bundle, proof = folder / "bundle", folder / "proof"
    subject = load_subject(bundle)
    keep(
        proof,
        "cost.json",
        {"model": subject.model_sha256, "contract": subject.contract_sha256},
        lambda: write_atomically(proof / "cost.json", json.dumps(asdict(proved(bundle))).encode()),
        f"exact on the virtual board: {bundle}",
    )
