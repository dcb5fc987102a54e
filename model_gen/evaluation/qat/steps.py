"""`python -m model_gen.evaluation.qat.steps`: docs/qat-steps.md, what a step of QAT costs beside a float one."""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from host.files import write_atomically
from model_gen.evaluation.learning.payload import made_by
from model_gen.evaluation.learning.recipes import GEOMETRY
from model_gen.evaluation.markdown import made_on, table
from model_gen.models.build import build_model
from model_gen.models.checkpoint import config_files, save_checkpoint
from model_gen.runtime import tensorflow
from model_gen.training.configure import configure
from model_gen.training.presets import PRESETS, options_of
from model_gen.training.qat.speed import costs

_HEADING = ("model", "step", "processor time, ms", "beside float")
_HEAD = """# What a step of QAT costs

Made by `python -m model_gen.evaluation.qat.steps > docs/qat-steps.md`.

Networks of both presets for ten classes of spoken digits, as [learning.md](learning.md) hears them, with the weights
that they begin with; batches of 32. Processor time of all threads, where training computes with two: a step of each
kind in turn, forty rounds in one process, and of each kind the least, since what runs beside it only adds. `float` has
its batch normalization frozen, as QAT has; `faithful` holds its teacher. Making the windows, which all three need
alike, is left out.
"""


def page() -> Iterator[str]:
    """Its lines."""
    yield _HEAD
    yield f"{made_on(made_by())}\n"
    yield from table(_HEADING, (row for preset in PRESETS for row in _rows(preset)))


def _rows(preset: str) -> Iterator[tuple[str, ...]]:
    found = _measured(preset)
    for name, seconds in found.items():
        yield preset, name, f"{1000 * seconds:.0f}", f"{seconds / found['float']:.2f}"


def _measured(preset: str) -> dict[str, float]:
    tensorflow()
    options = options_of(preset, {**GEOMETRY, "data_path_train": Path()})
    config = configure(options, tuple("0123456789"))
    with tempfile.TemporaryDirectory(prefix="nightjar-") as folder:
        path = Path(folder) / "model.keras"
        save_checkpoint(build_model(config, seed=options.seed), path)
        for name, content in config_files(config, path).items():
            write_atomically(name, content)
        return costs(path)


if __name__ == "__main__":
    sys.stdout.writelines(f"{text}\n" for text in page())
