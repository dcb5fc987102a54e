"""Damaged packed weights: identity finds them, and where it is told to trust them the tensors do."""

from pathlib import Path

import pytest

from host.build import build
from host.bundle import Subject
from host.compare.bench import Bench
from host.compare.flip import copy_project, find_symbol, flip_bit
from host.compare.session import Session
from host.deadline import Deadline
from host.elf_record import write_record
from host.errors import IdentityFailure
from host.link.registers import FirmwareFault
from host.project import Project
from host.report.verdict import Verdict
from model_gen.codegen.cm55.flash_test import _clustered, _net
from model_gen.codegen.project.generate import generate

SUBJECT = Subject(Path("model.tflite"), _net(_clustered))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("packed") / "right"
    made = generate(SUBJECT, "native", folder, optimize="flash")
    build(made, Deadline.after(300))
    return made


def judged(project: Project, root: Path) -> Verdict:
    with Bench(Session(project, SUBJECT, "native", 1, 1, root=root / "boards")) as bench:
        bench.observation(0)
        return bench.verdict()


def damaged(project: Project, root: Path, part: str, byte: int, bit: int) -> Project:
    copied = copy_project(project, root / "damaged")
    flip_bit(copied.elf, find_symbol(copied.elf, f"nj_op0_packed{part}"), byte, bit)
    return copied


@pytest.mark.parametrize(
    ("part", "bit"),
    [("_kinds", 0), ("_kinds", 3), ("_data", 0), ("_tables", 6)],
    ids=["more planes", "no such kind", "data", "tables"],
)
def test_a_flipped_bit_is_never_passed(
    part: str, bit: int, project: Project, tmp_path: Path
) -> None:
    wrong = damaged(project, tmp_path, part, 0, bit)
    with pytest.raises(IdentityFailure):
        judged(wrong, tmp_path)
    write_record(wrong.elf)
    verdict = judged(wrong, tmp_path)
    assert not verdict.exact
    assert "layer 0 CONV_2D" in verdict.headline


def test_a_pointer_to_nowhere_is_a_fault_of_the_firmware(project: Project, tmp_path: Path) -> None:
    wrong = damaged(project, tmp_path, "", 23, 0)  # the highest byte of the pointer to the kinds
    write_record(wrong.elf)
    with pytest.raises(FirmwareFault, match="faulted"):
        judged(wrong, tmp_path)
