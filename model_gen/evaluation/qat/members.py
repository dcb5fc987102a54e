"""`python -m model_gen.evaluation.qat.members DIGITS`: members of the family, whose simulation is held against int8.

Each is trained on spoken digits for some epochs, then by faithful QAT; what QAT simulates at its end is held against
the model that the converter makes, on recordings that train neither, and that model against the virtual board. Prints
docs/qat-agreement.md. What was made before is not made again.
"""

import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from host.errors import HostFailure
from host.typed import typed
from model_gen.evaluation.child import ask
from model_gen.evaluation.kept import keep
from model_gen.evaluation.learning.recipes import GEOMETRY
from model_gen.evaluation.markdown import table
from model_gen.training.options import TrainOptions
from model_gen.training.presets import options_of

HOME = Path("build/bench/members")
AGREED, BUNDLE = "agreed.json", "bundle"
PLACES = 5  # at which a window is heard
_QAT = {"qat": True, "epochs": 2, "learning_rate": 1e-4}
_BLOCKS = {"inverted_residual": True, "se": True}
MEMBERS: dict[str, dict[str, Any]] = {
    f"{frontend}, {name}": {"audio_frontend": frontend, **blocks}
    for frontend in ("hybrid", "raw", "mfcc")
    for name, blocks in (("plain", {}), ("inverted residuals and SE", _BLOCKS))
}
_HEAD = """# QAT's simulation beside the int8 model

Made by `python -m model_gen.evaluation.qat.members DIGITS > docs/qat-agreement.md`, DIGITS being the Free
Spoken Digit Dataset. Each member is `release` but for its frontend and blocks, trained in float as long as
`release` trains, {epochs} epochs, and by faithful QAT for {again}, at the rate of {rate:g} (five times
the default, so that weights move); *kept* is the epoch that QAT kept, 0 being the float model's weights. What QAT
simulates ([qat.md](qat.md)) is then held against what `nightjar quantize` makes of the model, on the recordings that
validate and those that test, each heard at {places} places: where boards hear it, and where training might.

*Layers* are the values of all layers' results over 24 windows, each layer given the int8 model's own
inputs. *Top class* is the share of windows in which both have the same. *Tied* are windows in which two classes or more
share the highest logit, to the step, in one of the two: the bytes name no class alone, and which comes first is a
choice of who reads them. There both agree if any of the highest is the other's, too; *none tied* is the share over the
other windows. Kernels, scales and zero points are equal to the bit in every row, and the virtual board computes every
tensor of every bundle to the byte, or the program ends without a table.
"""
_HEADING = (
    "member", "kept", "layers: same step", "within one", "windows", "top class", "none tied", "tied",
    "logits: same step", "apart, mean steps", "macro AP simulated", "int8",
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
        kept: QAT's epoch.
        windows: of them, PLACES a recording.
        values, unequal, far: of all layers, each on the int8 model's own inputs: not the same step, over one apart.
        top: share of windows of the same top class; where logits tie, any of them.
        alone: the same of those where none tie. tied: how many do, in either.
        same: share of logits of the same step. apart: steps between them, in the mean.
        simulated, converted: macro average precision.
    """

    kept: int
    windows: int
    values: int
    unequal: int
    far: int
    top: float
    alone: float
    tied: int
    same: float
    apart: float
    simulated: float
    converted: float

    def cells(self) -> tuple[str, ...]:
        """As the table has them."""
        return (
            str(self.kept),
            f"{1 - self.unequal / self.values:.4%}",
            f"{1 - self.far / self.values:.4%}",
            f"{self.windows:,}",
            f"{self.top:.2%}",
            f"{self.alone:.2%}",
            str(self.tied),
            f"{self.same:.1%}",
            f"{self.apart:.3f}",
            f"{self.simulated:.4f}",
            f"{self.converted:.4f}",
        )


def options_for(job: Job, folder: Path) -> tuple[TrainOptions, TrainOptions]:
    """Of the float training, and of QAT."""
    common = {
        "data_path_train": Path(job.data_path),
        "checkpoint_path": folder / "model.keras",
        "cache_dir": folder / "windows",
        "num_workers": 2,
    }
    geometry = {k: v for k, v in GEOMETRY.items() if k != "num_mels" or "mfcc" not in job.member}
    learned = {**geometry, **MEMBERS[job.member]}
    return options_of("release", {**common, **learned}), options_of("release", {**common, **_QAT})


def main(data: str) -> None:
    """Measure each member, and print the page."""
    rows = []
    for member in MEMBERS:
        job, folder = Job(member, data), HOME / member.replace(",", "").replace(" ", "-")
        options = options_for(job, folder)
        recipes = [one.recipe() for one in options]
        asked = {**asdict(job), "recipes": recipes, "places": PLACES}
        keep(folder, AGREED, asked, partial(_make, job, folder), member)
        found = typed(Agreed, json.loads((folder / AGREED).read_text()))
        rows.append((member, *found.cells()))
    release = options_of("release", {"data_path_train": Path(data)})
    told = _HEAD.format(
        epochs=release.epochs, again=_QAT["epochs"], rate=_QAT["learning_rate"], places=PLACES
    )
    print(told, *table(_HEADING, rows), sep="\n")


def _make(job: Job, folder: Path) -> None:
    ask(
        "model_gen.evaluation.qat.member",
        job,
        folder / AGREED,
        failed="a member could not be measured",
        of=job.member,
    )
    _prove(folder / BUNDLE)


def _prove(bundle: Path) -> None:
    """Have the virtual board compute the bundle's vectors, frontend included.

    Raises:
        HostFailure: it does not compute the host's bytes, in each tensor.
    """
    command = [sys.executable, "-m", "host.entry", "verify", str(bundle), "--board", "virtual"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise HostFailure(
            "the virtual board does not compute a member's bytes",
            evidence=f"exit code {done.returncode}: {(done.stdout + done.stderr)[-1500:]}",
            next_step=f"nightjar verify {bundle} --board virtual",
        )


if __name__ == "__main__":
    main(sys.argv[1])
