"""`python -m model_gen.evaluation.family.page`: docs/family.md, from docs/family.json."""

import json
import sys
from collections.abc import Iterator
from typing import Any

from host.installed import DOCS
from host.typed import typed
from model_gen.evaluation.family.table import HEADING, Row
from model_gen.evaluation.markdown import made_on, table

DATA = DOCS / "family.json"
_HEAD = """# The presets beside each other

Made by `python -m model_gen.evaluation.family.page > docs/family.md` from docs/family.json, which
`nightjar bench family --json docs/family.json` writes; a test holds this page to it.

* `digits`: the Free Spoken Digit Dataset, as [learning.md](learning.md) hears it (8 kHz, one second,
  64 frames of 256 samples, 40 bands of mel); one speaker tests, the alphabetically next one
  validates, the others train. Average precision is the mean over the folds.
* `birds`: the set that `nightjar synth` makes, with its own split; 8 species and noise.

Everything else is the preset's, unless fewer epochs were asked for (`--epochs`), or fewer speakers
(`--speakers`). Epochs are those of the longest fold: `april` has 50 and ends early where validation
gets no better (its `--patience`); `release` has 36 and takes the last.

Macro average precision is over the classes, of whole recordings whose chunks are pooled by log-
mean-exp. Its 95 % interval is that of 1,000 draws of recordings with replacement, within each fold;
it holds nothing of how another seed or another speaker would turn out. The int8 model is quantized
after training, as `nightjar quantize` does, and run by TFLite's reference kernels. Instructions are
those of one inference on the virtual board, frontend and network, of a bundle that is exact there.
"""


def text(data: dict[str, Any]) -> str:
    """The page of what `bench family` wrote."""
    return "\n".join([_HEAD, *_measured(data)]) + "\n"


def _measured(data: dict[str, Any]) -> Iterator[str]:
    yield f"{made_on(data)}\n"
    yield from table(HEADING, (typed(Row, raw).cells() for raw in data["rows"]))


if __name__ == "__main__":
    sys.stdout.write(text(json.loads(DATA.read_text(encoding="utf-8"))))
