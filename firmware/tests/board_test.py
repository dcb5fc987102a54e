"""The shipping core and ports with the tiny model, on every board that needs no hardware."""

import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from host.boards import open_board
from host.boards.base import Board
from host.deadline import Deadline
from host.errors import FirmwareFailure
from host.link.attempts import Silence
from host.link.client import Client
from host.link.image import image_crc
from host.link.messages import MAX_SPINS, Mode, ResetCause, Stages, What
from host.link.registers import FirmwareFault

SOURCE = (Path(__file__).parent / "tiny" / "nj_model.c").read_text().splitlines()
HEADER = (Path(__file__).parent / "tiny" / "nj_tiny.h").read_text()
DACCVIOL, IACCVIOL, MMARVALID = 1 << 1, 1 << 0, 1 << 7
UNDEFINSTR, STKOF, DIVBYZERO = 1 << 16, 1 << 20, 1 << 25
FORCED = 1 << 30


def soon(seconds: float = 20) -> Deadline:
    return Deadline.after(seconds)


def restart(client: Client) -> None:
    """Reset and say hello. Each attempt that a faulted firmware saw gives one more fault event: let them pass."""
    deadline = soon()
    while True:
        try:
            client.reset(deadline)
            client.hello(deadline)
            return
        except FirmwareFault:
            if deadline.expired:
                raise


@pytest.fixture(params=["native", "virtual", "n6-virtual"], scope="module")
def flashed(
    request: pytest.FixtureRequest,
    tiny_elf: Callable[[str], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Board, Path]]:
    elf = tiny_elf(request.param)
    with open_board(request.param, root=tmp_path_factory.mktemp("boards")) as board:
        board.flash(elf, soon(60))
        yield board, elf


@pytest.fixture
def client(flashed: tuple[Board, Path]) -> Iterator[Client]:
    """Connected to a firmware that does not stand in a fault."""
    transport = flashed[0].connect(soon())
    client = Client(transport)
    restart(client)
    yield client
    transport.close()


def command(client: Client, name: str, number: int = 0) -> None:
    """Load an input that makes step 1 misbehave."""
    marker = next(line for line in HEADER.splitlines() if f"NJ_TINY_{name} =" in line)
    how = int(marker.split("=")[1].split(",")[0])
    client.load_input(0, struct.pack("<BBxxI8x", 0x5A, how, number), soon())
    client.load_input(1, bytes(5), soon())


def expected(x: np.ndarray, y: np.ndarray) -> list[bytes]:
    """What nj_tiny.h says, once more."""
    first = x + np.uint8(1) + np.resize(y, 16)
    second = first ^ np.uint8(0x55)
    return [t.tobytes() for t in (first, second, first + second)]


def lines_with(text: str) -> list[int]:
    return [number for number, line in enumerate(SOURCE, 1) if text in line]


def check_line(board: Board, elf: Path, pc: int, text: str) -> None:
    """The PC lies in the tiny model, at a line that holds `text`."""
    file, _, line = board.symbolize(elf, pc).rpartition(":")
    assert file.endswith("nj_model.c"), (file, hex(pc))
    assert int(line.split()[0]) in lines_with(text), (line, text)


def test_every_request_on_random_inputs(client: Client) -> None:
    random = np.random.default_rng(1)
    for _ in range(20):
        x, y = (random.integers(0, 256, n, dtype=np.uint8) for n in (16, 5))
        client.load_input(0, x.tobytes(), soon())
        client.load_input(1, y.tobytes(), soon())
        tensors = expected(x, y)
        output = zlib.crc32(tensors[2][:4])
        for mode in Mode:
            result = client.run(Stages.MODEL, times=3, mode=mode, deadline=soon())
            assert (result.runs, result.differing, result.output) == (3, 0, output)
        digests = client.digests(soon())
        assert digests.taps == tuple(map(zlib.crc32, tensors))
        assert digests.input == zlib.crc32(x.tobytes() + y.tobytes())
        assert digests.output == output
        for index in random.permutation(3):
            assert client.read(What.TAP, int(index), 0, 16, soon()) == tensors[index]
        assert client.read(What.OUTPUT, 0, 1, 3, soon()) == tensors[2][1:4]


def test_the_image_is_what_was_flashed(flashed: tuple[Board, Path], client: Client) -> None:
    """At each start, and however much has run: what the firmware writes is not in it."""
    for name in ("DRIFT", "PRINT"):
        command(client, name)
        client.run(Stages.MODEL, deadline=soon())
        restart(client)
        assert client.hello(soon()).image == image_crc(flashed[1])


def test_a_chunk_through_the_frontend(client: Client) -> None:
    chunk = np.random.default_rng(2).integers(-30, 30, 32).astype(np.int16)
    sums = chunk.reshape(8, 4).sum(axis=1)
    features = (sums.astype(np.float32) / np.float32(32768)).tobytes()
    x = np.tile(sums.astype(np.uint8), 2)
    client.load_chunk(chunk, soon())
    client.run(Stages.BOTH, mode=Mode.TAPPED, deadline=soon())
    digests = client.digests(soon())
    assert digests.features == zlib.crc32(features)
    assert digests.taps == tuple(map(zlib.crc32, expected(x, np.zeros(5, np.uint8))))
    assert client.read(What.FEATURES, 0, 0, 32, soon()) == features
    assert client.read(What.INPUT, 0, 0, 16, soon()) == x.tobytes()


def test_reset_starts_anew(client: Client) -> None:
    """Data sections are fresh: the count of DRIFT begins again, and nothing is loaded."""
    outputs = []
    for _ in range(2):
        command(client, "DRIFT")
        outputs += [client.run(Stages.MODEL, deadline=soon()).output for _ in range(3)]
        before = client.hello(soon())
        client.reset(soon())
        after = client.hello(soon())
        assert after.reset_cause == ResetCause.REQUESTED
        assert after.boot != before.boot
        assert after.build_id == before.build_id
        with pytest.raises(FirmwareFailure):
            client.run(Stages.MODEL, deadline=soon())
    assert outputs[:3] == outputs[3:]
    assert len(set(outputs)) == 3


def test_text_arrives_as_log(client: Client) -> None:
    command(client, "PRINT")
    client.run(Stages.MODEL, deadline=soon())
    assert "tiny says hello" in "".join(client.logs)


FAULTS = [
    ("NULL_READ", DACCVIOL | MMARVALID, "zero = *(volatile int *)address"),
    ("NULL_WRITE", DACCVIOL | MMARVALID, "*(volatile int *)address = 1"),
    ("WRITE_CODE", DACCVIOL | MMARVALID, "*(volatile int *)address = 1"),
    ("WRITE_FLASH", DACCVIOL | MMARVALID, "*(volatile uint32_t *)address = 1"),
    ("UNDEFINED", UNDEFINSTR, "udf"),
    ("DIVIDE_BY_ZERO", DIVBYZERO, "zero = 7 / zero"),
    ("STACK_OVERFLOW", STKOF, "overflow(uint32_t depth)"),
    ("STACK_CREEP", STKOF, "creep(depth + 1)"),
]


@pytest.mark.parametrize(("name", "bits", "text"), FAULTS, ids=[fault[0] for fault in FAULTS])
def test_a_fault_is_told_with_its_line(
    flashed: tuple[Board, Path], client: Client, name: str, bits: int, text: str
) -> None:
    board, elf = flashed
    command(client, name)
    with pytest.raises(FirmwareFault) as caught:
        client.run(Stages.MODEL, deadline=soon())
    fault = caught.value.fault
    if board.name != "native":
        assert fault.cfsr == bits, hex(fault.cfsr)
        assert fault.hfsr in (0, FORCED)
        if "STACK_OVERFLOW" not in name:  # a prologue's lines depend on the compiler
            check_line(board, elf, fault.pc, text)
        else:
            assert "nj_model.c" in board.symbolize(elf, fault.pc)
    elif "STACK" not in name and name != "UNDEFINED":
        check_line(board, elf, fault.pc, text)
    if bits & MMARVALID:
        place = {"NULL_READ": 0, "NULL_WRITE": 8}.get(name)
        assert place is None or fault.mmfar == place
    # It stands there until it is reset, and works again then.
    with pytest.raises(FirmwareFault):
        client.hello(soon())
    restart(client)
    test_every_request_on_random_inputs(client)


def test_a_jump_into_data(flashed: tuple[Board, Path], client: Client) -> None:
    board, elf = flashed
    command(client, "RUN_DATA")
    with pytest.raises(FirmwareFault) as caught:
        client.run(Stages.MODEL, deadline=soon())
    if board.name != "native":
        assert caught.value.fault.cfsr == IACCVIOL
        check_line(board, elf, (caught.value.fault.lr & ~1) - 2, "code();")


def test_a_hang_ends_at_the_deadline(flashed: tuple[Board, Path]) -> None:
    board, elf = flashed
    transport = board.connect(soon())
    client = Client(transport)
    restart(client)
    command(client, "HANG")
    with pytest.raises(Silence, match="no answer to RUN"):
        client.run(Stages.MODEL, deadline=soon(1.5))
    where = board.whereabouts(elf, soon())
    assert where is not None
    assert where.inside
    assert not where.waiting
    check_line(board, elf, where.pc, "while (zero == 0)")
    board.reset(soon())
    transport.close()  # a serial line has one user
    again = board.connect(soon())
    Client(again).hello(soon())
    again.close()


@pytest.fixture
def virtual(flashed: tuple[Board, Path]) -> Board:
    if flashed[0].name != "virtual":
        pytest.skip("counts instructions only on virtual")
    return flashed[0]


def loop_cost(client: Client, turns: int) -> tuple[int, int]:
    """Cost of the model, and of step 1 alone, with a loop of `turns` turns of two instructions."""
    command(client, "LOOP", turns)
    client.run(Stages.MODEL, deadline=soon())
    client.run(Stages.MODEL, mode=Mode.STEPS, deadline=soon())
    cost = client.cost(soon())
    return cost.model, cost.steps[1]


def test_costs_are_exact(virtual: Board, client: Client) -> None:
    """Two instructions a turn, also where the 24-bit counter wraps (8.2 million instructions), once or many times."""
    model, step = loop_cost(client, 1)
    for turns in (2, 3, 1000, 4194303, 4194304, 8388608, 30000000):
        extra = 2 * (turns - 1)
        assert loop_cost(client, turns) == (model + extra, step + extra), turns


def test_costs_are_the_same_under_random_io(virtual: Board, client: Client) -> None:
    other = virtual.connect_slow(soon())
    ended = threading.Event()

    def chatter() -> None:
        random = np.random.default_rng(3)
        while not ended.wait(random.uniform(0, 0.002)):
            # No delimiter in it: one damaged frame that never ends.
            other.write(bytes(random.integers(1, 256, random.integers(1, 50))), soon())

    thread = threading.Thread(target=chatter)
    thread.start()
    costs = set()
    try:
        command(client, "LOOP", 5000)
        for _ in range(40):
            client.run(Stages.MODEL, deadline=soon())
            client.run(Stages.MODEL, mode=Mode.STEPS, deadline=soon())
            costs.add(client.cost(soon()))
    finally:
        ended.set()
        thread.join()
        other.close()
    assert len(costs) == 1


def test_the_slow_port_speaks_the_same(virtual: Board, client: Client) -> None:
    transport = virtual.connect_slow(soon())
    slow = Client(transport)
    fast_hello, slow_hello = client.hello(soon()), slow.hello(soon())
    assert slow_hello.build_id == fast_hello.build_id
    test_every_request_on_random_inputs(slow)
    client.hello(soon())
    test_every_request_on_random_inputs(client)
    transport.close()


def test_the_stack_is_measured(virtual: Board, client: Client) -> None:
    client.load_input(0, bytes(16), soon())
    client.load_input(1, bytes(5), soon())
    client.run(Stages.MODEL, deadline=soon())
    assert 200 < client.cost(soon()).stack < 4096


def test_only_a_chip_has_a_unique_id_and_clocks(
    flashed: tuple[Board, Path], client: Client
) -> None:
    hello = client.hello(soon())
    if hello.cost_unit != "cycles":
        assert (hello.uid, hello.clocks, hello.overruns, hello.caches) == (b"", (), 0, 0)
        return
    assert len(hello.uid) == 12
    assert hello.clocks == (600_000_000, 400_000_000, 100_000_000, 100_000_000)
    assert hello.overruns == 0


def test_a_loop_costs_the_same_each_round(flashed: tuple[Board, Path], client: Client) -> None:
    hello = client.hello(soon())
    none, once, twice = (client.spin(loops, soon()).cost for loops in (0, 1000, 2000))
    if hello.cost_unit == "none":
        assert (none, once, twice) == (0, 0, 0)
    else:
        assert twice - once in (1000, 2000, 3000, 4000)
        assert once - none in range(twice - once, twice - once + 20)
    with pytest.raises(FirmwareFailure, match="an argument is out of range"):
        client.spin(MAX_SPINS + 1, soon())
    assert client.spin(0, soon()).cost == none
