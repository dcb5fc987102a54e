"""Memory pools and profiles: JSON that keeps apart from what our firmware's linker script takes."""

import ast
import json
import operator
import re
import subprocess
from dataclasses import replace

import pytest

from host.boards.kinds import SILICON
from host.errors import BadInput
from host.n6_layout import HEADER, layout
from model_gen.codegen.neural_art.c_info import parse_c_info
from model_gen.codegen.neural_art.pools_file import parse_pools
from model_gen.codegen.neural_art.profile import (
    BUILDS,
    HIL,
    NAME,
    POOLS,
    RELEASE,
    render_pools,
    render_profile,
)
from model_gen.codegen.neural_art.regions import BOARDS, Taken, memories, strangers, taken
from model_gen.codegen.neural_art.testing.written import FLASH, RAM, RAM_BYTES, Small, c_info
from model_gen.codegen.neural_art.versions import DIALECTS, Dialect

SCRIPTS = HEADER.parent


def value(expression: str) -> int:
    """The value of an expression of a linker script: hexadecimal numbers, + and -."""
    operators = {ast.Add: operator.add, ast.Sub: operator.sub}

    def of(node: ast.AST) -> int:
        if isinstance(node, ast.BinOp):
            return int(operators[type(node.op)](of(node.left), of(node.right)))
        assert isinstance(node, ast.Constant)
        assert isinstance(node.value, int)
        return node.value

    return of(ast.parse(expression.strip(), mode="eval").body)


def regions(script: str, *defines: str) -> dict[str, range]:
    """The regions of a linker script as the C preprocessor leaves it."""
    command = ["gcc", "-E", "-P", "-x", "c", *defines, str(SCRIPTS / script)]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = re.findall(r"(\w+) \(\w+\)\s*: ORIGIN = ([^,]+), LENGTH = ([^\n]+)", text)
    assert found
    return {name: range(value(at), value(at) + value(size)) for name, at, size in found}


def shared(one: range, other: range) -> bool:
    return max(one.start, other.start) < min(one.stop, other.stop)


@pytest.mark.parametrize("board", BOARDS)
def test_no_pool_shares_a_byte_with_the_linker_script(board: str) -> None:
    ours = regions("nj_stm32n6.ld", "-DNJ_WITH_NPU")
    bare = regions("nj_bare.ld", f"-DNJ_BARE_END={layout()['FIRST_STAGE_END']:#x}")
    at = layout()
    held = {
        **ours,
        **bare,
        "the NPU's cache": range(at["CACHEAXI_RAM"], at["CACHEAXI_RAM"] + 0x40000),
        "images in the NOR": range(at["NOR"], at["NOR_WEIGHTS"]),
    }
    pools = parse_pools(json.loads(render_pools(board)))
    assert len(pools) == 5
    for pool in pools:
        assert pool.address is not None
        assert pool.bytes
        place = range(pool.address, pool.address + pool.bytes)
        assert not [name for name, region in held.items() if shared(region, place)], pool
        for other in pools:
            assert other.address is not None
            assert other is pool or not shared(
                place, range(other.address, other.address + (other.bytes or 0))
            )


@pytest.mark.parametrize("banks", [1, 2])
def test_constants_in_ram_have_the_last_of_it_and_nothing_is_in_the_nor(banks: int) -> None:
    rams = memories(BOARDS[0])[:-1]
    raw = json.loads(render_pools(BOARDS[0], banks))
    *others, constants = parse_pools(raw)
    assert [one.address for one in others] == [one.first for one in rams[:-banks]]
    assert constants.address == rams[-banks].first
    assert constants.bytes == sum(one.bytes for one in rams[-banks:])
    told = raw["memory"]["mempools"][-1]["prop"]
    assert (told["rights"], told["constants_preferred"]) == ("ACC_READ", "true")
    assert "cacheable" not in told
    assert told["throughput"] == "HIGH"


def test_firmware_without_the_npu_takes_what_would_be_its() -> None:
    """The test above can fail: without NJ_WITH_NPU the data reach into AXISRAM3 to 6."""
    data = regions("nj_stm32n6.ld")["DATA"]
    assert all(m.first in data for m in memories(BOARDS[0]) if not m.constants)
    nor = regions("nj_stm32n6.ld", "-DNJ_WEIGHTS_IN_NOR")["NOR"]
    assert memories(BOARDS[0])[-1].first in nor


def test_weights_in_the_nor_lie_where_the_network_reads_them() -> None:
    flags = ("-DNJ_WEIGHTS_IN_NOR", "-DNJ_WITH_NPU", "-DNJ_WEIGHTS_AT=0x70180000")
    assert regions("nj_stm32n6.ld", *flags)["NOR"].start == 0x70180000


@pytest.mark.parametrize("board", BOARDS)
def test_pools_are_what_stedgeai_reads(board: str) -> None:
    raw = json.loads(render_pools(board))
    pools = raw["memory"]["mempools"]
    assert [(p["fname"], p["name"]) for p in pools] == [
        *((f"AXISRAM{n}", f"npuRAM{n}") for n in range(3, 7)),
        ("xSPI2", "octoFlash"),
    ]
    assert {p["prop"]["rights"] for p in pools[:-1]} == {"ACC_WRITE"}
    assert pools[-1]["prop"]["rights"] == "ACC_READ"
    assert [p["prop"].get("constants_preferred") for p in pools] == [None] * 4 + ["true"]
    assert all(int(p["size"]["value"]) > 0 for p in pools)
    cache = raw["memory"]["cacheinfo"][0]
    size = cache["nlines"] * cache["linesize"] * cache["associativity"]
    assert size == layout()["CACHEAXI_RAM_BYTES"]


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_options_follow_version_and_build(dialect: Dialect, build: str) -> None:
    profile = json.loads(render_profile(dialect, build))["Profiles"][NAME]
    given = profile["options"].split()
    assert profile["memory_pool"] == f"./{POOLS}"
    assert {"--native-float", "--cache-maintenance", "--Ocache-opt"} <= set(given)
    # Mandatory up to 2.2; from 3.0 on the tool refuses it.
    assert ("--mvei" in given) == (dialect.core < (3, 0))
    assert ("--all-buffers-info" in given) == (build == HIL)
    assert ("--enable-epoch-controller" in given) == (build == RELEASE)


def test_what_a_network_uses_beside_the_npus_memory_is_named() -> None:
    made = parse_c_info(c_info(Small("4.0", b"")))
    assert taken(made) == (
        Taken("npuRAM5", RAM, RAM + 768),
        Taken("octoFlash", FLASH, FLASH + 160),
    )
    assert strangers(BOARDS[0], taken(made)) == ()
    outside = Taken("cpuRAM2", 0x34100000, 0x34101000)
    assert strangers(BOARDS[0], (outside,)) == ("cpuRAM2 0x34100000 to 0x34101000",)
    assert strangers(BOARDS[0], (replace(outside, first=None),)) == ("cpuRAM2 has no address",)
    # Constants of who compiled it elsewhere lie anywhere behind the application's first byte, as in ST's packages.
    packages = Taken("octoFlash", 0x70180000, 0x71000010)
    assert strangers(BOARDS[0], (packages,)) == ("octoFlash 0x70180000 to 0x71000010",)
    assert strangers(BOARDS[0], (packages,), of_others=True) == ()
    assert strangers(BOARDS[0], (replace(packages, first=0x70100000),), of_others=True)
    # Neighbours are one memory where the compiler joins them; a byte behind the last is not.
    wide = Taken("joined", 0x34200000, 0x34200000 + 4 * 0x70000)
    assert strangers(BOARDS[0], (wide,)) == ()
    assert strangers(BOARDS[0], (replace(wide, end=wide.end + 1),))


@pytest.mark.parametrize("pool", [1, 4])
def test_a_buffer_may_lie_across_pools_that_the_compiler_joined(pool: int) -> None:
    raw = c_info(Small("4.0", b""))
    last = 2 * RAM_BYTES
    raw["buffers"][1] |= {"mpool_id": pool, "offset_start": RAM_BYTES - 8, "size_bytes": RAM_BYTES}
    raw["memory_pools"][0]["used_size_bytes"] = last - 8 if pool == 1 else 256
    raw["memory_pools"][3]["used_size_bytes"] = last - 8
    raw["memory_footprint"]["activations"] = last - 8
    made = parse_c_info(raw)
    assert made.buffer(2).address == RAM + RAM_BYTES - 8
    across = next(one for one in made.pools if one.joined)
    assert (across.used, across.activations) == ((0, 0) if pool == 1 else (RAM_BYTES, RAM_BYTES))
    assert max(one.end for one in taken(made)) > RAM + RAM_BYTES
    assert strangers(BOARDS[0], taken(made)) == ()


def test_other_boards_have_none() -> None:
    with pytest.raises(BadInput, match="no Neural-ART"):
        memories("virtual")


def test_each_board_of_a_bench_with_an_npu_is_known() -> None:
    assert set(BOARDS) == set(SILICON)
