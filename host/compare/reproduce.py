"""A folder that reproduces a difference: input, ELF, model, both tensors, a picture and the command."""

import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from host.backends import NEURAL_ART
from host.bundle import CONTRACT, MODEL, Subject
from host.compare.observation import Finding
from host.compare.vectors import Inputs, InputTensor, Vector
from host.inputs import write_inputs
from host.owned import free_place, new_directory
from host.project import DESCRIPTION, Project
from host.reference.kept import to_bytes
from host.report.pictures import difference_png
from host.report.verdict import FirstDifference, describe

INPUTS = "inputs.npz"  # what --inputs gave


def write_reproduction(
    folder: Path,
    *,
    project: Project,
    subject: Subject,
    vector: Vector,
    inputs: Inputs,
    ports: Sequence[InputTensor],
    given: Sequence[Inputs],
    findings: tuple[Finding, ...],
    difference: FirstDifference,
    board: str,
    vectors: int,
    seed: int,
) -> Path:
    """Write everything that shows the difference again, whole or not at all; where it is then.

    An earlier folder is replaced. One that somebody has changed, or put something into, stays: this
    one is written beside it, as folder-2.

    `inputs` and `findings` are those of the vector that has the first difference, tensors included;
    `ports` are the model's inputs. `vectors` is the number of random ones, as given to --vectors;
    `given` are those of --inputs.
    """
    free = free_place(folder)
    with new_directory(free) as new:
        target = new / "project"
        for name in project.copied:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(project.path / name, target / name)
        (target / DESCRIPTION).write_bytes(project.description.to_json())
        judged = _copy_subject(subject, new)
        if vector.chunk is not None:
            np.save(new / "chunk.npy", vector.chunk)
            (new / "chunk.bin").write_bytes(to_bytes(vector.chunk))
        for index, tensor in enumerate(inputs):
            np.save(new / f"input{index}.npy", tensor)
            (new / f"input{index}.bin").write_bytes(to_bytes(tensor))
        for number, finding in enumerate(findings):
            if finding.difference is None:
                continue
            place = _slug(finding.op) if finding.layer is None else f"layer{finding.layer:02d}"
            np.save(new / f"{number:02d}-{place}-got.npy", finding.difference.got)
            np.save(new / f"{number:02d}-{place}-want.npy", finding.difference.want)
        first = min(findings, key=lambda finding: finding.place)
        if first.difference is not None:
            (new / "difference.png").write_bytes(difference_png(first.difference))
        described = json.dumps(asdict(difference), indent=1) + "\n"
        (new / "difference.json").write_text(described, encoding="utf-8")
        more = ""
        if given:
            write_inputs(new / INPUTS, ports, given)
            more = f" --inputs {INPUTS}"
        command = (
            f"nightjar verify {judged} --project project --board {board}"
            f"{_rounding(project)}"
            f" --vectors {vectors} --seed {seed}{more} --json verify.json"
        )
        (new / "README.md").write_text(_readme(difference, command, board), encoding="utf-8")
    return free


def _rounding(project: Project) -> str:
    """The option that asks for the project's rules; a generated network's are nobody's to choose."""
    rules = project.description.rules
    return "" if rules == NEURAL_ART else f" --rounding {rules}"


def _slug(name: str) -> str:
    """A part of a file name."""
    return re.sub(r"[^a-z0-9]", "_", name.lower())


def _copy_subject(subject: Subject, new: Path) -> str:
    if subject.contract_json is None:
        (new / MODEL).write_bytes(subject.model)
        return MODEL
    bundle = new / "bundle"
    bundle.mkdir()
    (bundle / CONTRACT).write_bytes(subject.contract_json)
    for name, data in subject.files.items():
        (bundle / name).write_bytes(data)
    return "bundle"


def _readme(difference: FirstDifference, command: str, board: str) -> str:
    # Indented, so that no name in it is taken for Markdown.
    return f"""# A difference, and how to see it again

    {describe(difference)}

In this folder:

    {command}

judges this very ELF (`project/build/nightjar.elf`), without building, on the same vectors; on board `{board}`.

* `input*.npy`, `.bin`: the model's inputs of vector {difference.vector}, as the host computed them; `chunk.npy`, if
  there is one, is the int16 sound that went through the board's own frontend. `inputs.npz`, if
  there is one, is what `--inputs` gave.
* `NN-layerMM-got.npy` and `-want.npy`: each tensor of that vector that differs, as the board and as the reference
  computed it, in the order of the way of the data.
* `difference.png`: where the first of them differs. `difference.json`: the first difference as in the verdict.
"""
