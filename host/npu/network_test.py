"""Networks as processes: what they show, and what becomes of bad ones."""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from host.deadline import Deadline
from host.errors import BadInput
from host.npu.generated import read_generated
from host.npu.memory import Image
from host.npu.network import TIES, Network
from host.npu.testing.code import FLASH, RAM, Code, Listed, copy

ROOT = Path(__file__).resolve().parents[2]
GIVEN = np.arange(-8, 8, dtype=np.int8)
FAR = 0x34000040  # where the output lies
WINDOW = "uint8_t *nj_npu_window(void *, uint32_t, uint32_t, bool);\n"


def refused(folder: Path, code: Code) -> BadInput:
    """How a network ends."""
    with Network.open(code.write(folder)) as network, pytest.raises(BadInput) as caught:
        network.run([GIVEN])
    return caught.value


def test_inputs_internals_and_outputs_come_in_order(tmp_path: Path) -> None:
    """A buffer is taken behind the epoch that wrote it, not at the end: memory is used again."""
    code = Code(
        blocks=[(copy(hex(RAM), hex(RAM + 32)), ""), (copy(hex(RAM + 32), hex(FAR)), CLEAR)],
        internals=[Listed("middle", RAM + 32, 16, 1), Listed("given", RAM, 16, 0)],
        outputs=[Listed("made", FAR, 16, 2)],
        before=WINDOW,
    )
    with Network.open(code.write(tmp_path)) as network:
        run = network.run({"given": GIVEN}, TIES[2])
    assert [(t.name, t.role, t.epoch) for t in run.tensors] == [
        ("given", "input", 0),
        ("middle", "internal", 1),
        ("made", "output", 2),
    ]
    assert all(np.array_equal(t.array.ravel(), GIVEN) for t in run.tensors)
    assert run.tie == "half-even"
    assert 0 <= run.processor_seconds < 10


CLEAR = f"memset(nj_npu_window(NULL, {RAM + 32:#x}, 16, true), 0, 16);"


def test_a_run_finds_nothing_of_the_one_before(tmp_path: Path) -> None:
    """An output that only the first epoch of a fresh memory writes."""
    grow = f"""
  uint8_t *held = nj_npu_window(NULL, {FAR:#x}, 16, true);
  for (int i = 0; i < 16; i++) held[i] += 1;"""
    with Network.open(Code(blocks=[("", grow)], before=WINDOW).write(tmp_path)) as network:
        runs = [network.run([GIVEN]).outputs[0].array.ravel().tolist() for _ in range(2)]
    assert runs == [[1] * 16] * 2


def test_without_a_list_of_buffers_engines_show_what_they_wrote(tmp_path: Path) -> None:
    code = Code(blocks=[(copy(hex(RAM), hex(FAR)), "")], internals=None)
    with Network.open(code.write(tmp_path)) as network:
        run = network.run([GIVEN])
        assert not network.lists_internals
    shown = [(t.name, t.role, t.epoch, t.array.ravel().tolist()) for t in run.tensors]
    assert shown[1] == ("copied_out", "stream", 1, GIVEN.tolist())
    assert [role for _, role, _, _ in shown] == ["input", "stream", "output"]


def test_constants_may_be_arrays_of_the_code(tmp_path: Path) -> None:
    before = WINDOW + "static const int8_t held[16] = {1, 2, 3, 4, 5, -6};\n"
    code = Code(blocks=[(copy("held", hex(FAR)), "")], before=before)
    with Network.open(code.write(tmp_path)) as network:
        made = network.run([GIVEN]).outputs[0].array.ravel()
    assert made.tolist() == [1, 2, 3, 4, 5, -6] + [0] * 10


def test_buffers_of_the_user_are_provided(tmp_path: Path) -> None:
    move = "memcpy(nj_npu_window(NULL, (uint32_t)(uintptr_t)user_Output[0], 16, true)," + (
        " nj_npu_window(NULL, (uint32_t)(uintptr_t)user_Input[0], 16, false), 16);"
    )
    code = Code(
        blocks=[("", move)],
        inputs=[Listed("given", 0, 16, user=True)],
        outputs=[Listed("made", 0, 16, 1, user=True)],
        before=WINDOW,
    )
    with Network.open(code.write(tmp_path)) as network:
        assert np.array_equal(network.run([GIVEN]).outputs[0].array.ravel(), GIVEN)


def test_weights_come_from_the_image_beside_it(tmp_path: Path) -> None:
    code = Code(blocks=[(copy(hex(FLASH), hex(FAR)), "")], flash=True)
    (tmp_path / "network_atonbuf.xSPI2.raw").write_bytes(bytes(range(16)))
    with Network.open(code.write(tmp_path).parent) as network:
        assert network.run([GIVEN]).outputs[0].array.ravel().tolist() == list(range(16))


def test_pools_may_be_named(tmp_path: Path) -> None:
    """In tables of constants and in code."""
    pool = "_mem_pool_xSPI2_Default"
    before = WINDOW + f"extern uint8_t {pool}[];\nstatic uint8_t *const table[] = {{{pool} + 4}};\n"
    add = f"nj_npu_window(NULL, {FAR:#x}, 16, true)[0] = (uintptr_t){pool} == {FLASH:#x}UL;"
    code = Code(blocks=[(copy("table[0]", hex(FAR)), add)], before=before, flash=True)
    (tmp_path / "network_atonbuf.xSPI2.raw").write_bytes(bytes(range(32)))
    with Network.open(code.write(tmp_path)) as network:
        made = network.run([GIVEN]).outputs[0].array.ravel()
    assert made.tolist() == [1, *range(5, 20)]


def test_a_crash_names_epoch_and_signal(tmp_path: Path) -> None:
    error = refused(tmp_path, Code(blocks=[("", ""), ("*(volatile int *)8 = 1;", "")]))
    assert "crashed in epoch 2" in error.what
    assert "SIGSEGV" in error.evidence


def test_a_network_that_crashed_can_be_asked_again(tmp_path: Path) -> None:
    crash = f"""
  if (*nj_npu_window(NULL, {RAM:#x}, 1, false) == 1) *(volatile int *)8 = 1;"""
    with Network.open(Code(blocks=[(crash, "")], before=WINDOW).write(tmp_path)) as network:
        with pytest.raises(BadInput):
            network.run([np.ones(16, np.int8)])
        assert network.run([GIVEN]).outputs[0].name == "made"


def test_an_endless_network_is_ended(tmp_path: Path) -> None:
    code = read_generated(Code(blocks=[("for (;;) ;", "")]).write(tmp_path))
    with Network(code, seconds=2) as network, pytest.raises(BadInput) as caught:
        network.run([GIVEN])
    assert "does not end" in caught.value.what
    assert "epoch 1" in caught.value.evidence


ENDLESS = """
import sys
from pathlib import Path
import numpy as np
from host.npu.network import Network
network = Network.open(Path(sys.argv[1]))
print(network._child._process.pid, flush=True)
network.run([np.zeros(16, np.int8)])
"""


@pytest.mark.parametrize("how", ["closed", "caller killed"])
def test_no_process_outlives_its_caller(tmp_path: Path, how: str) -> None:
    """An endless run is a process of its own: it must end with whoever wanted it."""
    path = Code(blocks=[("for (;;) ;", "")]).write(tmp_path)
    if how == "closed":
        with Network(read_generated(path), seconds=1) as network:
            assert network._child._process is not None
            server = network._child._process.pid
            with pytest.raises(BadInput):
                network.run([GIVEN])
            runs = children(server)
    else:
        caller = subprocess.Popen(
            [sys.executable, "-c", ENDLESS, str(path)], stdout=subprocess.PIPE, cwd=ROOT
        )
        assert caller.stdout is not None
        server = int(caller.stdout.readline())
        deadline = Deadline.after(60)
        while not (runs := children(server)) and not deadline.expired:
            time.sleep(0.01)
        caller.kill()
        caller.wait()
        caller.stdout.close()
    assert len(runs) == 1
    deadline = Deadline.after(60)
    while any(map(is_alive, (server, *runs))) and not deadline.expired:
        time.sleep(0.01)
    assert not any(map(is_alive, (server, *runs)))


def is_alive(process: int) -> bool:
    """Whether it is there, and not only because nobody has asked how it ended."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def children(process: int) -> list[int]:
    """Its children, by their numbers."""
    return [int(n) for n in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def test_what_the_network_prints_disturbs_nothing(tmp_path: Path) -> None:
    before = WINDOW + "#include <stdio.h>\n"
    talk = 'printf("hello"); fflush(stdout);'
    with Network.open(Code(blocks=[(talk, talk)], before=before).write(tmp_path)) as network:
        assert len(network.run([GIVEN]).tensors) == 2


def test_a_missing_memory_is_named(tmp_path: Path) -> None:
    error = refused(tmp_path, Code(blocks=[(copy(hex(RAM), "0x50000000"), "")]))
    assert "epoch 1" in error.what
    assert "STRENG 4" in error.what
    assert "at 0x50000000" in error.evidence


def test_constants_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "network.xSPI2.bin").write_bytes(bytes(64))
    error = refused(tmp_path, Code(blocks=[(copy(hex(RAM), hex(FLASH)), "")], flash=True))
    assert "at 0x70000000" in error.evidence


@pytest.mark.parametrize(
    ("start", "said"),
    [
        ("static const LL_Activacc_InitTypeDef a = {.operation = ACTIV_LUT};"
         "LL_Activacc_Init(0, &a);", "LL_Activacc_Init: operation = 5"),
        ("static const LL_Decun_InitTypeDef d = {0}; LL_Decun_Init(1, &d);",
         "LL_Decun_Init: id = 1"),
        ("static const LL_Convacc_InitTypeDef c = {0}; LL_Convacc_Init(4, &c);",
         "LL_Convacc_Init: id = 4"),
        ("static const LL_Streng_TensorInitTypeDef t = {0}; LL_Streng_TensorInit(-1, &t, 1);",
         "LL_Streng_TensorInit: id = -1"),
        ("static const LL_Streng_TensorInitTypeDef t = {.frame_loop_cnt = 2, .frame_loop_cnt2 = 3,"
         " .frame_tot_cnt = 7}; LL_Streng_TensorInit(6, &t, 1);", "STRENG 6: frame_loop_cnt2 = 3"),
        ("static const LL_Arithacc_InitTypeDef a = {.bcast = ARITH_BCAST_NONE};"
         "LL_Arithacc_Init(0, &a);", "LL_Arithacc_Init: bcast = 0"),
        ("static const LL_Arithacc_InitTypeDef a = {.bcast = ARITH_BCAST_CHAN, .fChannels = 1,"
         " .batchDepth = 1, .fWidth = 65536, .fHeight = 65536};"
         "LL_Arithacc_Init(0, &a);", "LL_Arithacc_Init: fWidth = 4294967296"),
        ("static const LL_Arithacc_InitTypeDef a = {.bcast = ARITH_BCAST_WIDTH, .fChannels = 1,"
         " .fWidth = 1, .fHeight = 1};"
         "LL_Arithacc_Init(0, &a);", "LL_Arithacc_Init: batchDepth = 0"),
        ("static const LL_Arithacc_InitTypeDef a = {.bcast = ARITH_BCAST_CHAN, .fChannels = 513,"
         " .batchDepth = 1, .fWidth = 1, .fHeight = 1};"
         "LL_Arithacc_Init(0, &a);", "LL_Arithacc_Init: fChannels = 513"),
    ],
)  # fmt: skip
def test_a_call_that_is_not_known_is_named(tmp_path: Path, start: str, said: str) -> None:
    error = refused(tmp_path, Code(blocks=[(start, "")]))
    call, _, value = said.partition(": ")
    assert f"epoch 1, {call}: " in error.what
    assert error.evidence == f"Received: {value}"


@pytest.mark.parametrize(
    "fields",
    [".frame_loop_cnt = 2, .frame_loop_cnt2 = 3, .loop_offset2 = 9", ".loop_offset2 = 9"],
)
def test_a_second_level_of_loops_that_is_never_reached_does_nothing(
    tmp_path: Path, fields: str
) -> None:
    start = copy(hex(RAM), hex(FAR)).replace(".raw = 1", f".raw = 1, {fields}")
    with Network.open(Code(blocks=[(start, "")]).write(tmp_path)) as network:
        assert np.array_equal(network.run([GIVEN]).outputs[0].array.ravel(), GIVEN)


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ([], "Received: 0"),
        ([GIVEN, GIVEN], "Received: 2"),
        ([GIVEN.astype(np.uint8)], "uint8"),
        ([GIVEN[:4]], "[4]"),
        ([GIVEN.reshape(4, 4)], "[4, 4]"),
        ({"other": GIVEN}, "other"),
    ],
)
def test_inputs_must_fit(tmp_path: Path, inputs: list[np.ndarray], said: str) -> None:
    with Network.open(Code(blocks=[("", "")]).write(tmp_path)) as network:
        with pytest.raises(BadInput) as caught:
            network.run(inputs)
        assert said in caught.value.evidence
        with pytest.raises(BadInput, match="tie"):
            network.run([GIVEN], "half-way")


def test_an_image_outside_of_the_pools_is_refused(tmp_path: Path) -> None:
    path = Code(blocks=[("", "")]).write(tmp_path)
    with pytest.raises(BadInput) as caught:
        Network.open(path, [Image(0x60000000, b"1234", path)]).close()
    assert "at 0x60000000" in caught.value.evidence


def test_a_folder_must_hold_one_network(tmp_path: Path) -> None:
    (tmp_path / "other.c").write_text("int main(void) { return 0; }")
    with pytest.raises(BadInput, match="one generated network"):
        Network.open(tmp_path)
    Code(blocks=[("", "")]).write(tmp_path, "a.c")
    Code(blocks=[("", "")]).write(tmp_path, "b.c")
    with pytest.raises(BadInput) as caught:
        Network.open(tmp_path)
    assert "a.c" in caught.value.evidence
