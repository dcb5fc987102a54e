"""Networks on a virtual Cortex-M55: what this computer computes, to the byte."""

import subprocess
import sys
import time
from pathlib import Path
from random import Random

import numpy as np
import pytest

from host.deadline import Deadline
from host.errors import BadInput, HostFailure
from host.npu.board import virtual
from host.npu.board.virtual import VirtualBoard
from host.npu.child import Place, this_computer
from host.npu.generated import read_generated
from host.npu.memory import Image
from host.npu.network import TIES, Network, Run
from host.npu.network_test import CLEAR, FAR, GIVEN, ROOT, WINDOW, children, is_alive
from host.npu.testing.code import FLASH, RAM, Code, Listed, copy
from host.npu.testing.dialect import DIALECTS
from host.npu.testing.executed import execute
from host.npu.testing.networks import KINDS, random_network

PLACES: tuple[Place, ...] = (this_computer, VirtualBoard())


def told(run: Run) -> list[object]:
    """All that a run says but its time."""
    tensors: list[object] = [
        (t.name, t.role, t.epoch, t.shape, t.layout, t.dtype, t.scale, t.offset, t.array.tobytes())
        for t in run.tensors
    ]
    return [*tensors, *run.seen, run.tie]


def same_on_both(path: Path, tie: str = TIES[0]) -> Run:
    """The run of a network that is the same here and on the board."""
    runs = []
    for on in PLACES:
        with Network.open(path, on=on) as network:
            runs.append(network.run([GIVEN], tie))
    assert told(runs[0]) == told(runs[1])
    return runs[1]


def refused(path: Path, on: Place) -> BadInput:
    with Network.open(path, on=on) as network, pytest.raises(BadInput) as caught:
        network.run([GIVEN])
    return caught.value


@pytest.mark.parametrize("blobs", [False, True], ids=["calls", "programs"])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_whole_network_gives_the_bytes_of_this_computer(
    tmp_path: Path, dialect: str, blobs: bool
) -> None:
    """Every buffer, and what every unit did: as here, and as the naive reference says."""
    network = random_network(Random(f"{dialect} on a board"), "net", KINDS)
    here, there = (execute(tmp_path, network, dialect, blobs=blobs, on=on) for on in PLACES)
    assert there.wrong == ()
    assert there.tensors >= len(KINDS)
    assert there.dialect == dialect
    assert told(here.run) == told(there.run)
    assert here.run.seen != ()


def test_a_difference_would_be_seen(tmp_path: Path) -> None:
    """A network that asks where it runs."""
    ask = f"nj_npu_window(NULL, {FAR:#x}, 16, true)[0] = sizeof(void *);"
    with pytest.raises(AssertionError):
        same_on_both(Code(blocks=[("", ask)], before=WINDOW).write(tmp_path))


@pytest.mark.parametrize("tie", TIES)
def test_the_tie_rule_reaches_the_board(tmp_path: Path, tie: str) -> None:
    code = Code(
        blocks=[(copy(hex(RAM), hex(RAM + 32)), ""), (copy(hex(RAM + 32), hex(FAR)), CLEAR)],
        internals=[Listed("middle", RAM + 32, 16, 1)],
        outputs=[Listed("made", FAR, 16, 2)],
        before=WINDOW,
    )
    assert same_on_both(code.write(tmp_path), tie).tie == tie


def test_engines_arrays_users_buffers_and_named_pools(tmp_path: Path) -> None:
    """What else generated code may have: each is where it is here."""
    array = WINDOW + "static const int8_t held[16] = {1, 2, 3, 4, 5, -6};\n"
    pool = "_mem_pool_xSPI2_Default"
    named = f"{WINDOW}extern uint8_t {pool}[];\nstatic uint8_t *const at[] = {{{pool} + 4}};\n"
    user = "nj_npu_window(NULL, (uint32_t)(uintptr_t)user_"
    move = f"memcpy({user}Output[0], 16, true), {user}Input[0], 16, false), 16);"
    codes = {
        "streams": Code(blocks=[(copy(hex(RAM), hex(FAR)), "")], internals=None),
        "array": Code(blocks=[(copy("held", hex(FAR)), "")], before=array),
        "user": Code(
            blocks=[("", move)],
            inputs=[Listed("given", 0, 16, user=True)],
            outputs=[Listed("made", 0, 16, 1, user=True)],
            before=WINDOW,
        ),
        "pool": Code(blocks=[(copy("at[0]", hex(FAR)), "")], before=named, flash=True),
    }
    made = {}
    for name, code in codes.items():
        path = code.write(tmp_path / name)
        (path.parent / "network_atonbuf.xSPI2.raw").write_bytes(bytes(range(32)))
        made[name] = same_on_both(path).outputs[0].array.ravel().tolist()
    assert made == {
        "streams": GIVEN.tolist(),
        "array": [1, 2, 3, 4, 5, -6] + [0] * 10,
        "user": GIVEN.tolist(),
        "pool": list(range(4, 20)),
    }


def test_memory_that_is_moved_is_one_for_units_and_software(tmp_path: Path) -> None:
    """Internal memory: generated code says where it is to a unit, and moves it for software."""
    at = f"ATON_LIB_PHYSICAL_TO_VIRTUAL_ADDR({FAR:#x}UL)"
    write = f"memset(nj_npu_window(NULL, nj_npu_address((void *)({at})), 16, true), 7, 16);"
    before = WINDOW + "uint32_t nj_npu_address(const void *);\n"
    run = same_on_both(Code(blocks=[("", write)], before=before).write(tmp_path))
    assert run.outputs[0].array.ravel().tolist() == [7] * 16


def test_runs_are_alike_whatever_was_before(tmp_path: Path) -> None:
    grow = f"""
  uint8_t *held = nj_npu_window(NULL, {FAR:#x}, 16, true);
  for (int i = 0; i < 16; i++) held[i] += 1;"""
    path = Code(blocks=[("", grow)], before=WINDOW).write(tmp_path)
    with Network.open(path, on=VirtualBoard()) as network:
        runs = [told(network.run([GIVEN])) for _ in range(2)]
    assert runs[0] == runs[1]


@pytest.mark.parametrize(
    "block",
    [
        copy(hex(RAM), "0x50000000"),
        copy(hex(RAM), hex(FLASH)),
        "static const LL_Decun_InitTypeDef d = {0}; LL_Decun_Init(1, &d);",
    ],
    ids=["memory", "constants", "unit"],
)
def test_what_is_refused_here_is_refused_alike(tmp_path: Path, block: str) -> None:
    path = Code(blocks=[(block, "")], flash=True).write(tmp_path)
    (tmp_path / "network.xSPI2.bin").write_bytes(bytes(64))
    here, there = (refused(path, on) for on in PLACES)
    assert (here.what, here.evidence) == (there.what, there.evidence)


def test_pools_where_the_board_has_no_memory_are_refused(tmp_path: Path) -> None:
    text = Code(blocks=[("", "")]).text().replace(f"offset={RAM:#x}", "offset=0x10000000")
    path = tmp_path / "network.c"
    path.write_text(text)
    with pytest.raises(BadInput) as caught:
        Network.open(path, on=VirtualBoard())
    assert "at 0x10000000" in caught.value.evidence


def test_pools_that_would_be_moved_to_one_place_are_refused(tmp_path: Path) -> None:
    """0x24... and 0x34... are the same memory on the chip, and two here."""
    text = Code(blocks=[("", "")], flash=True).text()
    text = text.replace(f"offset={FLASH:#x}", f"offset={RAM - 0x10000000:#x}")
    path = tmp_path / "network.c"
    path.write_text(text)
    images = [Image(RAM - 0x10000000, b"1234", path)]
    Network.open(path, images).close()
    with pytest.raises(BadInput) as caught:
        Network.open(path, images, on=VirtualBoard())
    assert f"at {RAM:#x}" in caught.value.evidence


@pytest.mark.parametrize(
    "fault",
    [
        "*(volatile int *)8 = 1;",
        "(void)*(volatile int *)8;",
        '*(volatile char *)"constant" = 1;',
        "((void (*)(void))0x90000001)();",
        "volatile int zero = 0; zero = 100 / zero;",
    ],
    ids=["null written", "null read", "constant written", "data run", "division by zero"],
)
def test_a_fault_names_epoch_and_registers(tmp_path: Path, fault: str) -> None:
    error = refused(Code(blocks=[("", ""), (fault, "")]).write(tmp_path), VirtualBoard())
    assert "crashed in epoch 2" in error.what
    assert "a fault at pc 0x" in error.evidence
    assert "cfsr 0x" in error.evidence


def test_a_stack_that_is_full_is_a_fault(tmp_path: Path) -> None:
    deep = "static int deep(volatile int n) { volatile char a[512] = {0}; return n + deep(n + a[0]); }\n"
    error = refused(Code(blocks=[("deep(1);", "")], before=deep).write(tmp_path), VirtualBoard())
    assert "a fault at pc 0x" in error.evidence


def test_an_endless_network_is_ended_and_leaves_nothing(tmp_path: Path) -> None:
    code = read_generated(Code(blocks=[("for (;;) ;", "")]).write(tmp_path))
    with Network(code, seconds=2, on=VirtualBoard()) as network:
        with pytest.raises(BadInput) as caught:
            network.run([GIVEN])
        assert network._child._process is not None
        process = network._child._process.pid
    assert "epoch 1" in caught.value.evidence
    assert not is_alive(process)


CALLER = """
import sys
from pathlib import Path
import numpy as np
from host.npu.board.virtual import VirtualBoard
from host.npu.network import Network
network = Network.open(Path(sys.argv[1]), on=VirtualBoard())
print(network._child._process.pid, flush=True)
network.run([np.zeros(16, np.int8)])
"""


def test_no_qemu_outlives_its_caller(tmp_path: Path) -> None:
    path = Code(blocks=[("for (;;) ;", "")]).write(tmp_path)
    command = [sys.executable, "-c", CALLER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as caller:
        assert caller.stdout is not None
        first = int(caller.stdout.readline())  # which only described the network
        deadline = Deadline.after(60)
        while not (runs := set(children(caller.pid)) - {first}) and not deadline.expired:
            time.sleep(0.01)
        caller.kill()
    assert len(runs) == 1
    while any(map(is_alive, runs)) and not deadline.expired:
        time.sleep(0.01)
    assert not any(map(is_alive, runs))


def test_a_qemu_that_gives_up_is_no_fault_of_the_network(tmp_path: Path) -> None:
    board = virtual._Board(tmp_path / "gone.elf", "network.c")
    try:
        board.describe()
        with pytest.raises(HostFailure, match="QEMU ended") as caught:
            next(board.answers(Deadline.after(60)))
    finally:
        board.close()
    assert "gone.elf" in caught.value.evidence


def test_what_the_network_prints_disturbs_nothing(tmp_path: Path) -> None:
    talk = 'printf("hello"); fflush(stdout);'
    same_on_both(Code(blocks=[(talk, talk)], before="#include <stdio.h>\n").write(tmp_path))


def test_subnormal_numbers_are_kept(tmp_path: Path) -> None:
    """As here: nothing is flushed to zero."""
    halve = f"""
  volatile float least = 1.17549435e-38f; float half = least / 2;
  memcpy(nj_npu_window(NULL, {FAR:#x}, 16, true), &half, 4);"""
    run = same_on_both(Code(blocks=[("", halve)], before=WINDOW).write(tmp_path))
    assert run.outputs[0].array.view(np.float32).ravel()[0] == np.float32(2**-127)
