"""`nightjar bench qat`: what int8 costs a preset, after training and trained for."""

from dataclasses import asdict
from pathlib import Path

from host.cli.bench_family import HOME as FAMILY
from host.cli.bench_family import folders_of_data
from host.cli.columns import say_columns
from host.cli.common import say, write_json
from host.cli.proved import proved

SCHEMA = "nightjar/qat-bench/1"
HOME = Path("build/bench/qat")


def bench_qat(
    json_path: str | None,
    *,
    data_path: Path,
    tests: tuple[str, ...] = (),
    presets: tuple[str, ...] = (),
    seeds: int,
    epochs: int | None = None,
) -> int:
    """Train, quantize, hear, prove, print; see `nightjar bench --help`.

    Args:
        tests: who tests, in turn; () is every speaker.
        presets: that train; () is every one.
        seeds: 1 to this.
        epochs: of every training; None is as the presets and modes have it.
    """
    from model_gen.evaluation.family.jobs import jobs_of as trainings_of
    from model_gen.evaluation.family.measure import SCORES
    from model_gen.evaluation.family.scores import Scores
    from model_gen.evaluation.learning.payload import made_by
    from model_gen.evaluation.qat.jobs import FAITHFUL, jobs_of
    from model_gen.evaluation.qat.measure import measure
    from model_gen.evaluation.qat.table import HEADING, PAIR_HEADING, tables, verdicts

    digits, speakers, birds = folders_of_data(data_path, json_path)
    trainings = trainings_of(
        *(digits, speakers, birds), tests=tests, presets=presets, epochs=epochs
    )
    jobs = jobs_of(trainings, seeds)
    folders = measure(jobs, HOME, FAMILY)
    exact = [job.kind == FAITHFUL for job in jobs]
    for folder, asked in zip(folders, exact, strict=True):
        if asked:
            _prove(folder)
    rows, pairs = tables(jobs, [Scores.read(folder / SCORES) for folder in folders], exact)
    found = {"rows": [asdict(row) for row in rows], "pairs": [asdict(pair) for pair in pairs]}
    write_json(json_path, {"schema": SCHEMA, **made_by(), **found})
    say_columns([HEADING, *(row.cells() for row in rows)], json_path)
    say_columns([PAIR_HEADING, *(pair.cells() for pair in pairs)], json_path)
    for told in verdicts(pairs):
        say(told, json_path)
    return 0


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
