"""`nightjar bench family`: the presets beside each other: average precision, float and int8, and cost."""

from dataclasses import asdict
from pathlib import Path

from host.cli.columns import say_columns
from host.cli.common import say, write_json
from host.cli.progress import working
from host.cli.proved import proved

SCHEMA = "nightjar/family/1"
HOME = Path("build/bench/family")


def bench_family(
    json_path: str | None,
    *,
    data_path: Path,
    tests: tuple[str, ...] = (),
    presets: tuple[str, ...] = (),
    epochs: int | None = None,
) -> int:
    """Train, quantize, hear, count, print; see `nightjar bench --help`.

    Args:
        tests: who tests, in turn; () is every speaker.
        presets: that train; () is every one.
        epochs: of every training; None is as the presets have it.
    """
    from model_gen.evaluation.family.jobs import jobs_of
    from model_gen.evaluation.family.measure import SCORES, train_all
    from model_gen.evaluation.family.scores import Scores
    from model_gen.evaluation.family.table import HEADING, rows_of
    from model_gen.evaluation.learning.payload import made_by

    digits, speakers, birds = folders_of_data(data_path, json_path)
    jobs = jobs_of(digits, speakers, birds, tests=tests, presets=presets, epochs=epochs)
    folders = train_all(jobs, HOME)
    costs = [proved(folder / "bundle") for folder in folders]
    rows = rows_of(jobs, [Scores.read(folder / SCORES) for folder in folders], costs)
    write_json(json_path, {"schema": SCHEMA, **made_by(), "rows": [asdict(row) for row in rows]})
    say_columns([HEADING, *(row.cells() for row in rows)], json_path)
    return 0


def folders_of_data(
    data_path: Path, json_path: str | None
) -> tuple[Path | None, tuple[str, ...], Path]:
    """The digits, where they are there, and their speakers; and the synthetic birds, which are made once."""
    from model_gen.data.synth import SynthOptions, write_dataset
    from model_gen.evaluation.learning.speakers import read_clips, speakers_of

    birds = HOME / "data"
    if not (birds / "metadata.csv").is_file():
        with working("making the synthetic birds"):
            write_dataset(birds, SynthOptions())
    if not data_path.is_dir():
        say(f"{data_path} is not there: real speech is left out", json_path)
        return None, (), birds
    return data_path, speakers_of(read_clips(data_path)), birds
