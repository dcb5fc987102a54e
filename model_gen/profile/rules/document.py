"""docs/profile.md, made from the table of rules and the table of costs.

python -m model_gen.profile.rules.document        write it
"""

import json
from pathlib import Path

from host.files import write_atomically
from host.installed import DOCS
from model_gen.profile.cost import shipped_table
from model_gen.profile.rules import TABLE

PLACE = DOCS / "profile.md"
_MODELS = Path(__file__).parent.with_name("models.json")  # of `nightjar bench engine`
_HEAD = """# What a model will cost, before it is trained or converted

```sh
nightjar profile                                    # the model that `nightjar train` begins with
nightjar profile --preset april --alpha 0.5 --labels-count 40
nightjar profile checkpoints/best_model.keras       # a trained one, its weights judged, too
nightjar profile bundle                             # not expected but counted, on the virtual board
nightjar profile best_model.keras --stedgeai        # and what ST's compiler says of it
```

A checkpoint, or the options of a training run, are neither converted nor run. Their layers become
the ops that TensorFlow Lite's converter makes of them: batch normalization goes into the product
before it, an activation into the op before it, a padding into the convolution after it. For each op
there are its multiply-accumulates, its parameters, the bytes of its int8 output and the
instructions that the engine is expected to take for it on the Cortex-M55; then their sums, the
bytes of all activations that live at once, and what the rules below find. `nightjar train` says
the sums and the findings when it begins. `--json` writes `nightjar/model-profile/1`; a bundle or
.tflite gives `nightjar/profile/1`, as ever.

Activations at once are what no plan of the arena can be below, as if no op wrote over its own
input; where one does, the arena is smaller.

## Rules

A model is held against one table. An error gives wrong results or does not compile for the NPU, a
warning costs time or certainty, a note is to be known. The sources are the facts that this
project starts from, and what they cite. This page is made from the tables by `python -m
model_gen.profile.rules.document`.

| rule | severity | limit | what holds | what to do | source |
|---|---|---|---|---|---|
"""
_COSTS = """
A trained model is judged once more when it is int8 (`nightjar lint`, docs/npu-lint.md), with its
scales and on real inputs; what is found here can be had for nothing by other options.

## Expected instructions

`model_gen/profile/cost_table.json` holds {points} calls of single kernels with the instructions that
the virtual board counted, written by

```sh
nightjar bench engine --cost-table model_gen/profile/cost_table.json
```

in some minutes for all, under one a family. Of each family of layers the file has a SHA-256 over
what decides its costs (`families`, `host/bench/family_sources.py`): the sources of its kernels, of
those that they call, and the headers of all, without comments and layout, and its shapes. The
command counts only families whose hash is another, and a test names these with the command. Which
code calls a kernel, and the compiler, are not in the hash: who changes these removes a family's
line there. The file is written after each family, so an interrupted run goes on where it was. A
kernel's instructions are a linear function of how often its loops run, which follows from shapes
(`model_gen/profile/counts.py`, `convolutions.py`); the factors are those of least squares of the
relative errors, none below 0. A kernel with several loops to choose from has several forms:

| kernel and form | calls counted | off by at most |
|---|---|---|
"""
_TAIL = """
Costs do not depend on data but for SOFTMAX, which leaves out classes far below the largest: with
few classes near it the expected figure is too large by up to a few thousand instructions. A layer
of which nothing is known (one of your own, or an op that the engine lacks) is counted apart, and
said to be missing.

MLPerf Tiny's models beside the virtual board, instructions of one inference, as
`nightjar bench engine --models DIR --json model_gen/profile/models.json` writes them:

| model | expected from the .tflite | counted |
|---|---|---|
{models}
Before the conversion it is not known which outputs a ReLU's range is all of, and the converter
computes hinges of equal weights once: expected from layers, `release` and `april` were within 1 % of
their .tflite under the table before this one.
"""


def text() -> str:
    """The page."""
    rules = (
        f"| `{r.name}` | {r.severity} | {'' if r.limit is None else f'{r.limit:,}'} | {_cell(r.says)} | "
        f"{_sentence(r.mend)} | {_cell(r.source)} |\n"
        for r in TABLE
    )
    table = shipped_table()
    known = table.calls()
    costs = (
        f"| `{form}` | {known[form]} | {100 * error:.1f} % |\n"
        for form, error in sorted(table.errors().items())
    )
    return (
        _HEAD
        + "".join(rules)
        + _COSTS.format(points=len(table.points))
        + "".join(costs)
        + _TAIL.format(models=_models())
    )


def _models() -> str:
    found = json.loads(_MODELS.read_text())["engine"]
    return "".join(
        f"| {one['model']} | {one['expected']:,} | {one['instructions']:,} |\n" for one in found
    )


def _sentence(text: str) -> str:
    return _cell(text[0].upper() + text[1:] + ".")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    write_atomically(PLACE, text().encode())
