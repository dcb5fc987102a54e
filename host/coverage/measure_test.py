"""What is measured is what runs: against naive counts, binutils, and constants that are spoiled."""

import re
import subprocess
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from host.boards import qemu
from host.bundle import Subject
from host.compare.flip import copy_project, find_symbols, overwrite
from host.compare.vectors import Vector, make_vectors
from host.coverage.board import Observed, observed
from host.coverage.coverage import Coverage
from host.coverage.image import CODE, CONSTANT, read_image
from host.coverage.marks import Marks
from host.coverage.measure import (
    coverage_key,
    coverage_reason,
    layer_steps,
    measure,
)
from host.coverage.steps import find_steps
from host.coverage.tally import tally
from host.coverage.testing_projects import build, needs_board
from host.deadline import Deadline
from host.errors import BadInput, BoardFailure, FlashFailure, HostFailure, IdentityFailure
from host.link.messages import Mode
from host.link.packets import Packets
from host.link.registers import FirmwareFault
from host.project import Project

pytestmark = [needs_board, pytest.mark.usefixtures("compiled_anew")]  # places are looked at

Made = tuple[Subject, Project]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return build(tmp_path_factory.mktemp("tables"))


@pytest.fixture(scope="module")
def vectors(made: Made) -> list[Vector]:
    return make_vectors(made[0], made[1].description.inputs, 2, 0)


@pytest.fixture(scope="module")
def coverage(made: Made, vectors: list[Vector]) -> Coverage:
    subject, project = made
    return measure(project, subject, vectors)


def _sizes(elf: Path, tool: str, pattern: str, *arguments: str) -> list[tuple[str, ...]]:
    done = subprocess.run([tool, *arguments, str(elf)], capture_output=True, text=True, check=True)
    return re.findall(pattern, done.stdout, re.MULTILINE)


def test_bytes_are_those_of_binutils(made: Made, coverage: Coverage) -> None:
    """objdump tells instructions from data, and size the sections."""
    elf = made[1].elf
    lines = _sizes(
        elf, "arm-none-eabi-objdump", r"^\s*[0-9a-f]+:\t([0-9a-f ]+?) *\t(\S+)",
        "-d", "-z", "-marmv8.1-m.main", "-j", ".text", "-j", ".engine_text",
    )  # fmt: skip
    code = sum(
        len(d.replace(" ", "")) // 2 for d, op in lines if op not in (".word", ".short", ".byte")
    )
    names = ("text", "engine_text", "rodata", "engine_rodata")
    sections = _sizes(elf, "arm-none-eabi-size", r"^\.(\w+) +(\d+)", "-A")
    whole = sum(int(size) for name, size in sections if name in names)
    assert (coverage.code.bytes, coverage.constants.bytes) == (code, whole - code)


def test_sums_add_up(coverage: Coverage) -> None:
    lacking = Counter[str]()
    for item in coverage.unreached:
        assert 0 < item.bytes <= item.total
        lacking[item.kind] += item.bytes
    code, constants = coverage.code, coverage.constants
    assert code.bytes - code.reached >= lacking["code"]
    assert sum(lacking.values()) == code.bytes - code.reached + constants.bytes - constants.reached
    assert [i.bytes for i in coverage.unreached] == sorted(
        (i.bytes for i in coverage.unreached), reverse=True
    )
    keys = [
        (i.symbol, i.section, i.kind, i.place) for i in coverage.unreached if i.kind == "padding"
    ]
    assert len(keys) == len(set(keys)) > 0


def test_layers_reach_what_their_inputs_make_them(made: Made, coverage: Coverage) -> None:
    assert [layer.index for layer in coverage.layers] == [0, 1, 2, 3, 4, 5]
    _, convolution, sigmoid, folded, dense, tanh = coverage.layers
    assert (folded.code.bytes, folded.constants.bytes) == (0, 0)
    for layer in (convolution, dense):
        assert layer.constants.reached >= 0.9 * layer.constants.bytes
    # Two vectors of four numbers read at most eight of the 256 bytes; the rest are two addresses.
    assert tanh.constants.bytes == sigmoid.constants.bytes == 256 + 8
    assert 2 + 8 <= tanh.constants.reached <= 8 + 8
    assert sigmoid.constants.reached > 100
    tables = {u.symbol: u for u in coverage.unreached if u.symbol.endswith("_table")}
    assert tables["nj_op5_table"].total == 256
    assert tables["nj_op5_table"].bytes == 256 + 8 - tanh.constants.reached


def test_unreached_functions_have_places(coverage: Coverage) -> None:
    places = {u.symbol: u.place for u in coverage.unreached if u.kind == "code"}
    assert re.fullmatch(r"board/nj_fault_entry\.c:\d+", places["nj_fault_entry"])
    assert re.fullmatch(r"core/nj_send\.c:\d+", places["nj_send_fault"])
    assert not any(place.startswith("/") for place in places.values())


def test_the_same_twice(made: Made, vectors: list[Vector], coverage: Coverage) -> None:
    subject, project = made
    again = measure(project, subject, vectors)
    assert again == coverage
    assert again.to_bytes() == coverage.to_bytes()


def test_more_vectors_reach_no_less(made: Made, vectors: list[Vector], coverage: Coverage) -> None:
    subject, project = made
    one = measure(project, subject, vectors[:1])
    assert one.constants.reached < coverage.constants.reached
    assert one.code.reached <= coverage.code.reached


def copied(marks: Marks) -> list[tuple[bytes, bytes]]:
    """What was executed and what was read, by row."""
    rows = [marks.row(i) for i in range(marks.rows)]
    return [(bytes(executed), bytes(read)) for executed, read in rows]


def test_counting_is_that_of_a_naive_count(made: Made, vectors: list[Vector]) -> None:
    """Byte by byte, with the symbols that nm lists, from the same marks."""
    subject, project = made
    image = read_image(project.elf)
    with observed(project, subject, image, find_steps(image, project.description.steps)) as board:
        board.judge(vectors[0])
        rows: list[tuple[bytes, bytes]] = []
        while rows != (now := copied(board.marks)):  # the firmware goes on, and may touch more
            rows = now
            got = tally(board.marks, layer_steps(project), project.elf)
    symbols = {
        name: (int(at, 16) & ~1, int(size, 16))
        for at, size, name in _sizes(
            project.elf, "arm-none-eabi-nm", r"^([0-9a-f]{8}) ([0-9a-f]{8}) \w (\S+)$", "-S"
        )
    }
    byte_at = {
        section.address + i: section.offset + i
        for section in image.sections
        for i in range(len(section.data))
    }

    def hits(numbers: list[int]) -> set[int]:
        found = set()
        for address, place in byte_at.items():
            if any(rows[n][0][place] for n in numbers):
                found |= {address + i for i in range(4 if image.wide[place] else 2)}
            if image.kinds[place] == CONSTANT and any(rows[n][1][place] for n in numbers):
                found.add(address)
        return found

    def count(addresses: set[int], kind: int) -> int:
        return sum(image.kinds[byte_at[a]] == kind for a in addresses)

    whole = hits(list(range(len(rows))))
    assert got.code.reached == count(whole, CODE)
    assert got.constants.reached == count(whole, CONSTANT)
    for layer in got.layers:
        steps = layer_steps(project)[layer.index]
        mine = hits([1 + step for step in steps])
        touched = set()
        for name, (at, size) in symbols.items():
            extent = {a for a in range(at, at + size) if a in byte_at}
            if extent & mine or re.fullmatch(rf"nj_op{layer.index}(_.*)?", name):
                touched |= extent
        ran = {
            a
            for at, size in symbols.values()
            if any(a in mine and image.kinds[byte_at[a]] == CODE for a in range(at, at + size))
            for a in range(at, at + size)
        }  # fmt: skip
        assert layer.code.reached == count(mine, CODE)
        assert layer.constants.reached == count(mine, CONSTANT)
        assert layer.code.bytes == count(ran, CODE)
        assert layer.constants.bytes == count(touched, CONSTANT)
    for item in got.unreached:
        if item.symbol in symbols and item.kind in ("code", "constants"):
            at, size = symbols[item.symbol]
            kind = CODE if item.kind == "code" else CONSTANT
            extent = set(range(at, at + size))
            assert (item.bytes, item.total) == (count(extent - whole, kind), count(extent, kind))


def test_constants_that_nobody_reads_are_worth_nothing(
    made: Made, vectors: list[Vector], tmp_path: Path
) -> None:
    """Spoil every byte of the ops' constants that was not reached: the outputs stay the same."""
    subject, project = made

    def outputs(one: Project) -> list[int]:
        image = read_image(one.elf)
        steps = find_steps(image, one.description.steps)
        with observed(one, subject, image, steps) as board:
            found = []
            for vector in vectors:
                board.judge(vector)
                stages = board.load(vector)
                found.append(board.link.run(stages, Mode.PLAIN, board.patience()).output)
            masks.append(
                np.logical_or.reduce([board.marks.row(i)[1] for i in range(board.marks.rows)])
            )
            return found

    masks: list[np.ndarray] = []
    right = outputs(project)
    image, read = read_image(project.elf), masks[0]
    spoiled, ruined = copy_project(project, tmp_path / "a"), copy_project(project, tmp_path / "b")
    changed = 0
    for symbol in find_symbols(project.elf):
        address = image_addresses(project.elf).get(symbol.name)
        if address is None or not re.match(r"nj_op\d+", symbol.name):
            continue
        place = image.offset(address)
        assert place is not None
        with project.elf.open("rb") as stream:
            stream.seek(symbol.offset)
            old = np.frombuffer(stream.read(symbol.size), np.uint8)
        unread = ~read[place : place + symbol.size]
        changed += int(unread.sum())
        overwrite(spoiled.elf, symbol, np.where(unread, old ^ 0x55, old).tobytes())
        if symbol.name.endswith("_table"):
            overwrite(ruined.elf, symbol, np.where(unread, old, old ^ 0x55).tobytes())
    assert changed > 300
    assert outputs(spoiled) == right
    assert outputs(ruined) != right


def image_addresses(elf: Path) -> dict[str, int]:
    pattern = r"^([0-9a-f]{8}) [0-9a-f]{8} [rR] (\S+)$"
    return {name: int(at, 16) for at, name in _sizes(elf, "arm-none-eabi-nm", pattern, "-S")}


def test_reads_of_the_debugger_do_not_count(made: Made, vectors: list[Vector]) -> None:
    subject, project = made
    image = read_image(project.elf)
    address = image_addresses(project.elf)["nj_op5_table"]
    begin = image.offset(address)
    assert begin is not None
    with observed(project, subject, image, None) as board:
        board.run(vectors[0].inputs)
        before = board.marks.row(0)[1][begin : begin + 256].sum()
        socket = _gdb_socket(board)
        script = [
            "-ex",
            f"target remote {socket.name}",
            "-ex",
            f"x/256xb {address:#x}",
            "-ex",
            "detach",
        ]
        shown = subprocess.run(
            ["gdb-multiarch", "-nx", "-batch", "-ex", "set architecture armv8.1-m.main", *script],
            cwd=socket.parent, capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        assert len(re.findall(r"0x[0-9a-f]{2}\b", shown.stdout)) == 256
        board.link.hello(board.patience())
        assert board.marks.row(0)[1][begin : begin + 256].sum() == before
        assert 0 < before < 256


def _gdb_socket(board: Observed) -> Path:
    transport = board.link._transport
    assert isinstance(transport, Packets)
    return transport._host_path.with_name(qemu.GDB_SOCKET)


def test_faults_are_shown_with_their_places(
    made: Made, vectors: list[Vector], tmp_path: Path
) -> None:
    subject, project = made
    broken = copy_project(project, tmp_path)
    step = next(s for s in find_symbols(project.elf, "STT_FUNC") if s.name == "nj_step0")
    overwrite(broken.elf, step, b"\x00\xde")  # udf
    with pytest.raises(FirmwareFault, match="faulted") as failure:
        measure(broken, subject, vectors)
    assert "nj_model.c" in failure.value.evidence


def test_other_firmware_is_refused(made: Made, vectors: list[Vector]) -> None:
    subject, project = made
    other = replace(project.description, model_sha256="0" * 64)
    with pytest.raises(IdentityFailure):
        measure(replace(project, description=other), subject, vectors)


def test_a_deadline_ends_it(made: Made, vectors: list[Vector]) -> None:
    subject, project = made
    with pytest.raises((BoardFailure, FlashFailure, HostFailure)):
        measure(project, subject, vectors, limit=Deadline.after(0))


def test_what_cannot_be_counted_has_a_reason(made: Made) -> None:
    subject, project = made
    assert coverage_reason("virtual") == ""
    assert "native" in coverage_reason("native")
    native = replace(project, description=replace(project.description, board="native"))
    with pytest.raises(BadInput, match="cannot be counted"):
        measure(native, subject, [Vector(0)])
    with pytest.raises(BadInput, match="none"):
        measure(project, subject, [])


def test_the_key_tells_all_that_matters_apart(made: Made, tmp_path: Path) -> None:
    project = made[1]
    x, y = np.zeros((1, 2), np.int8), np.ones((1, 2), np.int8)
    base = [Vector(0, inputs=(x, y))]
    others: list[list[Vector]] = [
        [Vector(0, inputs=(y, x))],
        [Vector(0, inputs=(x, y)), Vector(1, inputs=(x, y))],
        [Vector(0, inputs=(x,)), Vector(1, inputs=(y,))],
        [Vector(0, inputs=(x.reshape(2, 1), y))],
        [Vector(0, inputs=(x.view(np.uint8), y))],
        [Vector(0, chunk=np.zeros(1, np.int16))],
        [],
    ]
    keys = [coverage_key(project, vectors) for vectors in [base, *others]]
    assert len(set(keys)) == len(keys)
    assert coverage_key(project, [Vector(7, inputs=(x.copy(), y))]) == keys[0]
    changed = copy_project(project, tmp_path)
    changed.elf.write_bytes(project.elf.read_bytes() + b"\0")
    assert coverage_key(changed, base) != keys[0]
    taps = tuple(replace(tap, cost_steps=()) for tap in project.description.taps)
    moved = replace(project, description=replace(project.description, taps=taps))
    assert coverage_key(moved, base) != keys[0]
