"""`python -m model_gen.evaluation.qat.page`: docs/qat-results.md, from docs/qat-results.json."""

import sys
from collections.abc import Iterator

from host.installed import DOCS
from model_gen.evaluation.markdown import made_on, table
from model_gen.evaluation.qat.results import Results
from model_gen.evaluation.qat.table import HEADING, PAIR_HEADING, verdicts

DATA = DOCS / "qat-results.json"
_HEAD = """# What int8 costs

Made by `python -m model_gen.evaluation.qat.page > docs/qat-results.md` from docs/qat-results.json,
to which `nightjar bench qat --results docs/qat-results.json` adds a seed at a time; a test holds this page to it.

* `digits`: the Free Spoken Digit Dataset, as [learning.md](learning.md) hears it; one speaker tests,
  the alphabetically next one validates, the others train.
* `birds`: the set that `nightjar synth` makes, with its own split; 8 species and noise.

Each preset is trained in float, with its own options. From that one model come two by
quantization after training (PTQ, [quantization.md](quantization.md)), whose ranges are the
converter's, or our own, which correct the operands of sums; and two by quantization-aware training
([qat.md](qat.md)), `shadow` and `faithful`, each with its own defaults, which are quantized with our
own ranges of their own manifest. What calibrates PTQ are 256 windows and what calibrates QAT 1,024, by
default: a difference between them holds that one, too. All int8 models are run by TFLite's reference kernels, and every
faithful one on the virtual board: it computes the bytes of the host in each tensor, or there is no table.

Macro average precision is over the classes, of whole recordings whose chunks are pooled by log-
mean-exp; the mean over folds and seeds. Intervals hold 95 % of 1,000 draws of recordings with
replacement within each fold. Two models are compared over the same draws. The intervals hold nothing
of how another seed or another speaker would turn out. Epoch 0 is the model before QAT. Training is
processor seconds of all threads and of the conversions, without the import of TensorFlow, in the
mean over those models whose training was measured.
"""


def text(results: Results) -> str:
    """The page of what `bench qat` wrote."""
    return "\n".join([_HEAD, *_measured(results)]) + "\n"


def _measured(results: Results) -> Iterator[str]:
    yield from _made(results)
    yield ""
    yield from table(HEADING, (row.cells() for row in results.rows))
    yield "\n## Paired differences\n"
    yield from table(PAIR_HEADING, (pair.cells() for pair in results.pairs))
    yield ""
    yield from (f"* {told}" for told in verdicts(results.pairs))


def _made(results: Results) -> Iterator[str]:
    """Which seeds were measured when and on what."""
    sittings: dict[str, dict[str, list[str]]] = {}
    for one in results.seeds:
        seeds = sittings.setdefault(made_on(one.made), {})
        seeds.setdefault(f"{one.preset} on {one.data}", []).append(str(one.seed))
    for when, of in sittings.items():
        told = "; ".join(
            f"{name}, seed{'s' * (len(seeds) > 1)} {', '.join(seeds)}" for name, seeds in of.items()
        )
        yield f"* {told}: {when[0].lower()}{when[1:]}"


if __name__ == "__main__":
    sys.stdout.write(text(Results.read(DATA)))
