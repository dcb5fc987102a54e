"""`nightjar bench family`: the presets beside each other: average precision, float and int8, and cost."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from host.cli.common import say, write_json
from host.cli.progress import working

if TYPE_CHECKING:
    from model_gen.evaluation.family.table import Cost

SCHEMA = "nightjar/family/1"
HOME = Path("build/bench/family")


def bench_family(
    json_path: str | None,
    *,
    data_path: Path,
    tests: tuple[str, ...] = (),
    epochs: int | None = None,
) -> int:
    """Train, quantize, hear, count, print; see `nightjar bench --help`.

    Args:
        tests: who tests, in turn; () is every speaker.
        epochs: of every training; None is as the presets have it.
    """
    from model_gen.data.synth import SynthOptions, write_dataset
    from model_gen.evaluation.family.jobs import jobs_of
    from model_gen.evaluation.family.measure import SCORES, train_all
    from model_gen.evaluation.family.scores import Scores
    from model_gen.evaluation.family.table import HEADING, rows_of
    from model_gen.evaluation.learning.payload import made_by
    from model_gen.evaluation.learning.speakers import read_clips, speakers_of

    birds = HOME / "data"
    if not (birds / "metadata.csv").is_file():
        with working("making the synthetic birds"):
            write_dataset(birds, SynthOptions())
    digits = data_path if data_path.is_dir() else None
    if digits is None:
        say(f"{data_path} is not there: real speech is left out", json_path)
    speakers = () if digits is None else speakers_of(read_clips(digits))
    jobs = jobs_of(digits, speakers, birds, tests=tests, epochs=epochs)
    folders = train_all(jobs, HOME)
    costs = [_cost(folder) for folder in folders]
    rows = rows_of(jobs, [Scores.read(folder / SCORES) for folder in folders], costs)
    write_json(json_path, {"schema": SCHEMA, **made_by(), "rows": [asdict(row) for row in rows]})
    cells = [HEADING, *(row.cells() for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        said = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        say(said.rstrip(), json_path)
    return 0


def _cost(folder: Path) -> "Cost":
    """Of the bundle in a job's folder, which must be exact on the virtual board."""
    import tempfile

    from host.bench.cost import require_exact
    from host.compare.macs import count_macs
    from host.compare.prepare import prepare
    from host.compare.prove import prove
    from host.compare.session import Session
    from model_gen.evaluation.family.table import Cost

    with working(f"counting instructions of {folder.name}") as now:
        bundle = folder / "bundle"
        subject, project = prepare(bundle, "virtual")
        with tempfile.TemporaryDirectory(prefix="nightjar-") as root:
            session = Session(project, subject, "virtual", vectors=1, seed=0, root=Path(root))
            verdict = prove(session, now=now)
    require_exact(verdict, next_step=f"nightjar verify {bundle} --board virtual")
    macs = sum(count_macs(subject.model, [layer.bytes for layer in verdict.layers]))
    frontend, model = verdict.cost.frontend, verdict.cost.model
    assert frontend is not None
    assert model is not None
    return Cost(macs, frontend, model)
