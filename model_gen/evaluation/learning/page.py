"""`python -m model_gen.evaluation.learning.page`: docs/learning.md, from docs/learning.json."""

import json
import sys
from collections.abc import Iterator
from typing import Any

from host.installed import DOCS
from host.typed import typed
from model_gen.evaluation.learning.result import Run
from model_gen.evaluation.learning.table import cells, columns
from model_gen.evaluation.learning.targets import targets
from model_gen.evaluation.markdown import made_on, table

DATA = DOCS / "learning.json"
_HEAD = """# Learning at any offset, over clicks, hum and DC

Made by `python -m model_gen.evaluation.learning.page > docs/learning.md` from docs/learning.json,
which `nightjar bench learning --json docs/learning.json` writes; a test holds this page to it.

## What is measured

Real spoken digits (the Free Spoken Digit Dataset, ten classes, 8 kHz), and speakers that were not
heard in training: one tests, the alphabetically next one validates, the others train; each
speaker tests in turn, with seeds 1, 2 and 3. A model sees one second: 8000 samples, 64 frames of
256 samples, 125 apart, 40 bands of mel. Every clip of the speaker is tested

* at three placements: zeros, the clip from 0, 0.25 or 0.5 s on, cut at the window's end, and
  zeros. `clean` is the one at 0.25 s;
* at 0.25 s under a disturbance of the whole window, added to fractions of full scale before they
  are rounded (half to even) and saturated to int16: DC; a click, one sample of 32767 in the
  middle; a 50 Hz sine of that peak; Gaussian noise of that standard deviation, the same for a
  clip in every run; or a gain.

## The recipes

* `today`: `nightjar train` as it was before clips were moved and disturbed in training, every
  option pinned (`model_gen/evaluation/learning/recipes.py`).
* `reference`: the field's, in plain Keras and librosa with a loop of its own
  (`model_gen/evaluation/learning/reference.py`): the logarithm of power mel spectrograms of 40
  bands and 64 frames, with a floor of 1e-6, each window standardized by itself; clips placed at
  random, whole, anew each epoch; mixup of a quarter of them (0.2), SpecAugment (two masks an
  axis, of up to 4 bands and 6 frames); softmax cross-entropy, Adam from 1e-3 with cosine, 40
  epochs, batches of 32; the same DS-CNN without our mel mixer. The last epoch is kept, and
  validation decides nothing.
* `release`: `nightjar train` with the defaults of its preset; only the geometry is given, and that
  a clip has one class. Its defaults were chosen on runs of seed 1 with three of these speakers as
  tests, and so was the reference's floor; seeds 2 and 3, and lucas, were not looked at before.

Each run is a process of its own. Processor time is user and system time of all its threads from
the data folder to the model, without the import of TensorFlow. The int8 model is quantized as
`nightjar quantize` does, whatever accuracy it loses, and run by TFLite's reference kernels. Means
and standard deviations are over speakers and seeds.
"""


def text(data: dict[str, Any]) -> str:
    """The page of what `payload` gave."""
    return "\n".join([_HEAD, *_measured(data)]) + "\n"


def _measured(data: dict[str, Any]) -> Iterator[str]:
    runs = [typed(Run, run) for run in data["runs"]]
    yield "## What came out\n"
    yield f"{made_on(data)}\n"
    heading, *rows = cells(columns(runs))
    yield from table(heading, rows)
    yield ""
    wanted = [(one.what, one.found, one.verdict) for one in targets(runs)]
    yield from table(("what `release` must reach", "found", ""), wanted)


if __name__ == "__main__":
    sys.stdout.write(text(json.loads(DATA.read_text(encoding="utf-8"))))
