"""`python -m model_gen.evaluation.qat.members DIGITS`: members of the family, whose simulation is held against int8.

Each is trained on spoken digits for some epochs, then by faithful QAT; what QAT simulates at its end is held against
the model that the converter makes, on recordings that train neither, and that model against the virtual board. Prints
docs/qat-agreement.md. What was made before is not made again.
"""

import json
import sys
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from host.cli.proved import proved
from host.typed import typed
from model_gen.evaluation.child import ask
from model_gen.evaluation.kept import keep
from model_gen.evaluation.markdown import table

HOME = Path("build/bench/members")
AGREED, BUNDLE = "agreed.json", "bundle"
_BLOCKS = {"inverted_residual": True, "se": True}
MEMBERS: dict[str, dict[str, Any]] = {
    f"{frontend}, {name}": {"audio_frontend": frontend, **blocks}
    for frontend in ("hybrid", "raw", "mfcc")
    for name, blocks in (("plain", {}), ("inverted residuals and SE", _BLOCKS))
}
_HEAD = """# QAT's simulation beside the int8 model

Made by `python -m model_gen.evaluation.qat.members DIGITS > docs/qat-agreement.md`, DIGITS being the Free
Spoken Digit Dataset. Each member is `release` but for its frontend and blocks, trained in float for 12
epochs and by faithful QAT for 2, at the rate of 1e-4 (five times the default, so that weights move). What QAT
simulates ([qat.md](qat.md)) is then held against what `nightjar quantize` makes of the model, on the
recordings that validate and those that test.

*Layers* are the values of all layers' results over 24 windows, each layer given the int8 model's own
inputs. *Top class* is the share of windows in which both have the same; where logits of the int8 model tie, any of
them. Kernels, scales and zero points are equal to the bit in every row, and the virtual board computes every
tensor of every bundle to the byte, or the program ends without a table.
"""
_HEADING = (
    "member", "layers: same step", "within one", "windows", "top class", "logits: same step",
    "apart, mean steps", "macro AP simulated", "int8",
)  # fmt: skip


@dataclass(frozen=True)
class Job:
    """One of MEMBERS, and where the digits lie."""

    member: str
    data_path: str


@dataclass(frozen=True)
class Agreed:
    """What came out, over the recordings that do not train.

    Attributes:
        windows: of them, one a recording.
        values, unequal, far: of all layers, each on the int8 model's own inputs: not the same step, over one apart.
        top: share of windows of the same top class; where int8 logits tie, any of them.
        same: share of logits of the same step. apart: steps between them, in the mean.
        simulated, converted: macro average precision.
    """

    windows: int
    values: int
    unequal: int
    far: int
    top: float
    same: float
    apart: float
    simulated: float
    converted: float

    def cells(self) -> tuple[str, ...]:
        """As the table has them."""
        return (
            f"{1 - self.unequal / self.values:.4%}",
            f"{1 - self.far / self.values:.4%}",
            str(self.windows),
            f"{self.top:.2%}",
            f"{self.same:.1%}",
            f"{self.apart:.3f}",
            f"{self.simulated:.4f}",
            f"{self.converted:.4f}",
        )


def main(data: str) -> None:
    """Measure each member, and print the page."""
    rows = []
    for member in MEMBERS:
        job, folder = Job(member, data), HOME / member.replace(",", "").replace(" ", "-")
        keep(folder, AGREED, asdict(job), partial(_make, job, folder), member)
        found = typed(Agreed, json.loads((folder / AGREED).read_text()))
        rows.append((member, *found.cells()))
    print(_HEAD, *table(_HEADING, rows), sep="\n")


def _make(job: Job, folder: Path) -> None:
    ask(
        "model_gen.evaluation.qat.member",
        job,
        folder / AGREED,
        failed="a member could not be measured",
        of=job.member,
    )
    proved(folder / BUNDLE)


if __name__ == "__main__":
    main(sys.argv[1])
