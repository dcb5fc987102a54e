"""bench.toml is found, read, refused and written as it is documented."""

import os
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.boards.bench_file import (
    BOOTS,
    FLASHERS,
    Bench,
    BenchBoard,
    Machine,
    Power,
    bench_kinds,
    find_bench,
    read_bench,
    unnamed,
)
from host.boards.bench_write import bench_text
from host.boards.kinds import SILICON, VIRTUAL_N6
from host.errors import BadInput

TWO = """
[board.left]
kind = "stm32n6570-dk"
probe = "0039003A3234510433353533"
uid = "002a00183234510733353533"
gdb = "localhost:61234"
flasher = "probe-rs"
port = "/dev/serial/by-id/left"
baud = 2000000
switches = "flash"
tags = ["audio", "ci"]
[board.left.power]
cycle = "uhubctl -a cycle -p 2"

[board.v]
kind = "n6-virtual"
machine = { nor = "/tmp/v.nor", uid = "1" }
"""


def read(folder: Path, text: str) -> Bench:
    path = folder / "bench.toml"
    path.write_text(text)
    return read_bench(path)


def refused(folder: Path, text: str) -> str:
    with pytest.raises(BadInput) as caught:
        read(folder, text)
    assert str(folder / "bench.toml") in caught.value.evidence
    return caught.value.evidence


def test_every_key_is_read(tmp_path: Path) -> None:
    left, virtual = read(tmp_path, TWO).boards
    assert left == BenchBoard(
        "left",
        "stm32n6570-dk",
        probe="0039003A3234510433353533",
        uid="002a00183234510733353533",
        gdb="localhost:61234",
        flasher="probe-rs",
        port="/dev/serial/by-id/left",
        baud=2_000_000,
        power=Power(cycle="uhubctl -a cycle -p 2"),
        switches="flash",
        tags=("audio", "ci"),
    )
    assert virtual.machine == Machine(nor="/tmp/v.nor", uid="1")
    assert virtual.chip_uid == b"NIGHTJAR-VM1".hex()


@pytest.mark.parametrize("file", ["nor", "card", "microphone"])
def test_the_file_of_a_machine_lies_beside_the_bench_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    """Wherever a command is called: else it would boot, and write, another NOR."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    (tmp_path / "bench.toml").write_text(
        f'[board.v]\nkind = "n6-virtual"\nmachine = {{ {file} = "v.file" }}\n'
    )
    (board,) = read_bench(Path("..", "bench.toml")).boards
    assert os.path.realpath(getattr(board.machine, file)) == str(tmp_path / "v.file")


@pytest.mark.parametrize("other", ["./v.nor", "x/../v.nor", "link.nor", "{folder}/v.nor"])
def test_two_boards_never_have_one_nor(tmp_path: Path, other: str) -> None:
    (tmp_path / "link.nor").symlink_to("v.nor")
    text = (
        '[board.a]\nkind = "n6-virtual"\nmachine = { nor = "v.nor" }\n'
        f'[board.b]\nkind = "n6-virtual"\nmachine = {{ nor = "{other.format(folder=tmp_path)}" }}\n'
    )
    assert "board.b and board.a have the same machine.nor" in refused(tmp_path, text)
    same = text.replace("nor =", "card =")
    assert "board.b and board.a have the same machine.card" in refused(tmp_path, same)
    heard = text.replace("nor =", "microphone =")
    (tmp_path / "bench.toml").write_text(heard)
    assert len(read_bench(tmp_path / "bench.toml").boards) == 2, "two may hear the same"


def test_the_option_comes_before_the_variable_and_that_before_the_users_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("NIGHTJAR_BENCH", raising=False)
    assert find_bench() == Bench(None, ())
    own = tmp_path / ".config" / "nightjar" / "bench.toml"
    own.parent.mkdir(parents=True)
    files = {"own": own, "variable": tmp_path / "v.toml", "option": tmp_path / "o.toml"}
    for name, path in files.items():
        path.write_text(f'[board.{name}]\nkind = "native"\n')
    assert find_bench().boards[0].name == "own"
    monkeypatch.setenv("NIGHTJAR_BENCH", str(files["variable"]))
    assert find_bench().boards[0].name == "variable"
    assert find_bench(files["option"]).boards[0].name == "option"
    files["variable"].unlink()
    with pytest.raises(BadInput, match="bench file"):
        find_bench()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            '[board.a]\nkind = "native"\nprob = "1"',
            "board.a.prob is not known. Did you mean probe?",
        ),
        (
            '[board.a]\nkind = "native"\npower.cycl = "x"',
            "board.a.power.cycl is not known. Did you mean cycle?",
        ),
        ('[boards.a]\nkind = "native"', "boards is not known"),
        ('[board.a]\nkind = "native"\nname = "b"', "board.a.name is not known"),
        ("[board.a]", "board.a.kind is missing"),
        ('[board.a]\nkind = "stm32n6570-dx"', "Did you mean stm32n6570-dk?"),
        ('[board.virtual]\nkind = "native"', "virtual is a kind of board"),
        ('[board.stm32n6570-dk]\nkind = "stm32n6570-dk"', "is a kind of board"),
        ('[board.n6-virtual]\nkind = "n6-virtual"', "is a kind of board"),
        ('[board."a/b"]\nkind = "native"', "a name is 1 to 40 letters"),
        ('[board.a]\nkind = "stm32n6570-dk"\nflasher = "probers"', "Did you mean probe-rs?"),
        (
            '[board.a]\nkind = "stm32n6570-dk"\nbaud = "921600"',
            "board.a.baud must be a whole number",
        ),
        ('[board.a]\nkind = "stm32n6570-dk"\nbaud = true', "board.a.baud must be a whole number"),
        ('[board.a]\nkind = "stm32n6570-dk"\nbaud = 3', "baud must be 1200 to 20000000"),
        ('[board.a]\nkind = "stm32n6570-dk"\nuid = "12"', "uid must be 24 lower-case hex digits"),
        ('[board.a]\nkind = "stm32n6570-dk"\ntags = [1]', "board.a.tags[0] must be a text"),
        ('[board.a]\nkind = "stm32n6570-dk"\ngdb = "openocd"', "gdb must be host:port"),
        ('[board.a]\nkind = "stm32n6570-dk"\ngdb = "h:70000"', "gdb must be host:port"),
        ('[board.a]\nkind = "stm32n6570-dk"\nprobe = "a b"', "probe must be a serial number"),
        ('[board.a]\nkind = "stm32n6570-dk"\nmachine.uid = "1"', "machine is for the kind"),
        ('[board.a]\nkind = "native"\nprobe = "1"', "no probe reaches a board of kind native"),
        ('[board.a]\nkind = "n6-virtual"\nmachine.uid = "12"', "machine.uid must be one printable"),
        ('[board.a]\nkind = "n6-virtual"\nmachine.uid = ","', "machine.uid must be one printable"),
        ("board = 3", "board must be tables"),
        ("[board", "Expected"),
    ],
)
def test_what_cannot_be_is_refused_by_its_place(tmp_path: Path, text: str, says: str) -> None:
    assert says in refused(tmp_path, text)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ('probe = "ab1"', 'probe = "AB1"', "probe"),
        ('port = "/dev/ttyACM0"', 'port = "/dev/ttyACM0"', "port"),
        ('gdb = ":61234"', 'gdb = ":61234"', "gdb"),
        (f'uid = "{"0a" * 12}"', f'uid = "{"0a" * 12}"', "uid"),
    ],
)
def test_two_boards_that_would_be_one_are_refused(
    tmp_path: Path, one: str, other: str, same: str
) -> None:
    kind = 'kind = "stm32n6570-dk"'
    text = f"[board.a]\n{kind}\n{one}\n[board.b]\n{kind}\n{other}\n"
    assert f"board.b and board.a have the same {same}" in refused(tmp_path, text)


def test_an_unknown_name_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="Did you mean left"):
        read(tmp_path, TWO).board("lefft")
    assert read(tmp_path, TWO).board("v").kind == VIRTUAL_N6


LINES = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=20)


@st.composite
def boards(draw: st.DrawFn) -> BenchBoard:
    """Any board that a bench can have, its name apart."""
    kind = draw(st.sampled_from(bench_kinds()))
    silicon = kind in SILICON
    hex_digits = st.text("0123456789abcdef", min_size=24, max_size=24)
    serial = st.text("0123456789ABCDEF", min_size=1, max_size=24)
    nor = LINES.map("/{}".format)  # a relative one reads as absolute
    machine = st.builds(Machine, nor=st.none() | nor, uid=st.none() | st.sampled_from("!09Az~"))
    chosen = draw(machine) if kind == VIRTUAL_N6 else Machine()
    return BenchBoard(
        "a",
        kind,
        probe=draw(st.none() | serial) if silicon else None,
        uid=draw(st.none() | hex_digits) if chosen.uid is None else None,
        gdb=draw(st.none() | st.sampled_from([":1", "h:65535", "/run/s", '| openocd -c "x"'])),
        flasher=draw(st.sampled_from(FLASHERS)) if silicon else "gdb",
        port=draw(st.none() | LINES),
        baud=draw(st.integers(1200, 20_000_000)),
        power=draw(st.builds(Power, on=st.none() | LINES, off=st.none() | LINES, cycle=LINES)),
        switches=draw(st.sampled_from(BOOTS)),
        tags=tuple(draw(st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=3))),
        machine=chosen,
    )


@given(boards(), LINES)
def test_what_is_written_reads_back_equal(board: BenchBoard, note: str) -> None:
    text = bench_text([board], {"a": [note, "two\nlines = 1"]})
    raw = tomllib.loads(text)["board"]["a"]
    assert "lines" not in raw
    assert _from(text) == board


def _from(text: str) -> BenchBoard:
    from host.boards.bench_file import _boards

    return next(iter(_boards(tomllib.loads(text), Path("/"))))


@pytest.mark.parametrize("kind", bench_kinds())
def test_our_own_names_and_kinds_are_no_names_and_the_nearest_free_one_is_told(
    tmp_path: Path, kind: str
) -> None:
    """What no bench names is kept, locked and shown under a name of ours."""
    for name in (kind, unnamed(kind)):
        taken = f'[board.{name}-2]\nkind = "native"\n'
        said = refused(tmp_path, f'{taken}[board.{name}]\nkind = "native"\n')
        assert f"board.{name}: " in said
        assert f"the nearest free name is {name}-3" in said
        assert read(tmp_path, f'[board.{name}-3]\nkind = "native"\n').boards[0].name == f"{name}-3"
