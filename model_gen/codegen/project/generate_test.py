"""The project folder: the same bytes every time and everywhere, whole or not at all."""

import shutil
import subprocess
from pathlib import Path

import pytest

from host.build import build, find_tool, footprint
from host.bundle import Subject
from host.deadline import Deadline
from host.elf_record import check_recorded
from host.errors import BadInput, HostFailure, IdentityFailure
from host.project import Project, load_project
from model_gen.codegen.project.generate import FOLDED, generate
from model_gen.codegen.project.ports import boards, port_folders
from model_gen.codegen.testing import keras_models
from model_gen.codegen.testing.models import builder

needs_cross = pytest.mark.skipif(
    shutil.which("arm-none-eabi-gcc") is None, reason="needs arm-none-eabi-gcc"
)
pytestmark = pytest.mark.slow
BUILD_SECONDS = 120


@pytest.fixture(scope="module")
def subject() -> Subject:
    return Subject(Path("mobile.tflite"), keras_models.quantized("mobile"))


@pytest.fixture(scope="module")
def built(subject: Subject, tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = generate(subject, "virtual", tmp_path_factory.mktemp("p") / "project")
    build(project, Deadline.after(BUILD_SECONDS))
    return project


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_two_generations_are_identical(subject: Subject, tmp_path: Path) -> None:
    generate(subject, "virtual", tmp_path / "a")
    generate(subject, "virtual", tmp_path / "deeper" / "b")
    first = contents(tmp_path / "a")
    assert first == contents(tmp_path / "deeper" / "b")
    assert not [name for name, data in first.items() if str(tmp_path).encode() in data]
    assert not [name for name in first if "_test" in name or name.endswith(".py")]


def test_generated_files_say_where_they_come_from(subject: Subject, tmp_path: Path) -> None:
    project = generate(subject, "virtual", tmp_path / "p")
    names = [*(f"model/{p.name}" for p in (project.path / "model").iterdir()), "CMakeLists.txt"]
    assert len(names) == 6
    for name in names:
        assert subject.model_sha256 in (project.path / name).read_text(), name


def test_description_counts_every_op(subject: Subject, tmp_path: Path) -> None:
    project = generate(subject, "native", tmp_path / "p")
    assert load_project(tmp_path / "p") == project
    taps = project.description.taps
    assert [tap.index for tap in taps] == list(range(len(taps)))
    folded = [tap for tap in taps if not tap.observed]
    reasons = {tap.op: tap.reason for tap in folded}
    constant = {"SHAPE", "STRIDED_SLICE", "PACK"}
    assert reasons == dict.fromkeys(constant, FOLDED) | {"PAD": "folded into op 1, CONV_2D"}
    assert all(tap.slot is None for tap in folded)
    seen = [tap for tap in taps if tap.observed]
    assert sorted(tap.slot for tap in seen if tap.slot is not None) == list(range(len(seen)))
    steps = sorted(step for tap in taps for step in tap.cost_steps)
    assert steps == list(range(project.description.steps))
    assert project.description.rounding["FULLY_CONNECTED"] == "real"
    other = generate(subject, "native", tmp_path / "q", rounding="tflite").description
    assert other == project.description


def test_other_rounding_is_recorded(tmp_path: Path) -> None:
    model = Subject(Path("dense.tflite"), keras_models.quantized("dense"))
    project = generate(model, "native", tmp_path / "p", rounding="tflm")
    assert project.description.rounding["FULLY_CONNECTED"] == "double"
    assert "FULLY_CONNECTED=double" in (project.path / "model/nj_model.c").read_text()
    with pytest.raises(BadInput, match="rounding"):
        generate(model, "native", tmp_path / "q", rounding="up")
    assert not (tmp_path / "q").exists()


def test_unchanged_project_keeps_its_build(subject: Subject, tmp_path: Path) -> None:
    out = tmp_path / "p"
    generate(subject, "virtual", out)
    (out / "build").mkdir()
    (out / "build" / "nightjar.elf").write_bytes(b"elf")
    generate(subject, "virtual", out)
    assert (out / "build" / "nightjar.elf").exists()
    generate(subject, "native", out)
    assert not (out / "build").exists()


def test_what_somebody_changed_is_replaced_only_by_force(subject: Subject, tmp_path: Path) -> None:
    out = tmp_path / "p"
    generate(subject, "virtual", out)
    source = out / "model" / "nj_model.c"
    source.write_text("changed by hand")
    with pytest.raises(BadInput, match="just as nightjar wrote it") as caught:
        generate(subject, "virtual", out)
    assert "model/nj_model.c, which was changed" in caught.value.evidence
    assert source.read_text() == "changed by hand"
    generate(subject, "virtual", out, force=True)
    assert "changed" not in source.read_text()


def test_only_a_project_or_nothing_is_replaced(subject: Subject, tmp_path: Path) -> None:
    generate(subject, "virtual", tmp_path / "empty")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    for out in (tmp_path / "mine", tmp_path / "mine" / "thesis.txt"):
        with pytest.raises(BadInput, match=r"new, empty, or just as|must be a folder"):
            generate(subject, "virtual", out)
    assert contents(tmp_path / "mine") == {"thesis.txt": b"years of work"}


def test_refusals_write_nothing(subject: Subject, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="board must be one of"):
        generate(subject, "toaster", tmp_path / "p")
    with pytest.raises(BadInput, match="Did you mean native"):
        generate(subject, "nativ", tmp_path / "p")
    cut = Subject(Path("cut.tflite"), subject.model[:-100])
    with pytest.raises(BadInput, match="truncated"):
        generate(cut, "virtual", tmp_path / "p")
    assert list(tmp_path.iterdir()) == []


def test_boards_have_ports() -> None:
    assert {"native", "virtual", "stm32n6570-dk", "nucleo-n657x0-q"} == set(boards())
    for name in boards():
        assert (port_folders(name)[-1] / "board.cmake").is_file()


def build_by_cmake(project: Path, generator: str) -> None:
    """As its README says."""
    for words in (["-G", generator, "-S", ".", "-B", "build"], ["--build", "build"]):
        command = [find_tool("cmake", ""), *words]
        subprocess.run(command, cwd=project, check=True, capture_output=True)


@pytest.mark.parametrize("generator", ["Ninja", "Unix Makefiles"])
def test_a_build_records_what_it_linked(subject: Subject, tmp_path: Path, generator: str) -> None:
    project = generate(subject, "native", tmp_path / "a b [c]" / "=d \u00fcn\u00ef\u20ac")
    build_by_cmake(project.path, generator)
    linked = check_recorded(project.elf)
    assert project.elf_record.read_text() == f"{linked}  nightjar.elf\n"
    # What is up to date is left alone: damage is not recorded by building once more.
    data = project.elf.read_bytes()
    project.elf.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    build_by_cmake(project.path, generator)
    with pytest.raises(IdentityFailure, match="not the one that was linked"):
        check_recorded(project.elf)
    project.elf.unlink()
    build_by_cmake(project.path, generator)
    assert check_recorded(project.elf) == linked


@needs_cross
def test_footprint(built: Project) -> None:
    sizes = footprint(built)
    weights = sum(
        path.stat().st_size for path in built.path.glob("build/CMakeFiles/nj_engine.dir/**/*.obj")
    )
    assert 0 < sizes.engine_flash < sizes.flash < weights * 10
    assert sizes.arena == built.description.arena_bytes
    assert sizes.ram >= sizes.arena + sizes.stack
    assert sizes.stack >= 4096


@needs_cross
def test_build_without_a_compiler_says_what_to_install(
    built: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(HostFailure) as caught:
        build(built, Deadline.after(BUILD_SECONDS))
    assert "arm-none-eabi-gcc" in caught.value.what
    assert "apt-get install" in caught.value.next_step


@needs_cross
def test_build_shows_what_the_compiler_said(subject: Subject, tmp_path: Path) -> None:
    project = generate(subject, "virtual", tmp_path / "p")
    (project.path / "model" / "nj_model.c").write_text("#error out of cheese\n")
    with pytest.raises(HostFailure, match="does not build") as caught:
        build(project, Deadline.after(BUILD_SECONDS))
    assert "out of cheese" in caught.value.evidence


@needs_cross
def test_what_the_memory_map_lets_through_the_linker_refuses(tmp_path: Path) -> None:
    """Arena and staging fit all RAM together, but neither fits the SRAM, nor both the DDR."""
    tensors = [builder().Tensor((1, 33_800_000), 0.1) for _ in range(3)]
    model = builder().model([("ADD", [0, 1], [2], {"AddOptions": {}}, 1)], tensors)
    project = generate(Subject(Path("big.tflite"), model), "virtual", tmp_path / "p")
    with pytest.raises(BadInput, match="does not fit the memory"):
        build(project, Deadline.after(BUILD_SECONDS))


def test_footprint_needs_an_elf(subject: Subject, tmp_path: Path) -> None:
    with pytest.raises(HostFailure, match="no ELF yet"):
        footprint(generate(subject, "native", tmp_path / "p"))
