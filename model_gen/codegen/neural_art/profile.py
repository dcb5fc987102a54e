"""The memory pools and the profile that stedgeai is given for a board."""

from dataclasses import dataclass

from model_gen.codegen import c_text
from model_gen.codegen.c_text import Text
from model_gen.codegen.neural_art.regions import Memory, memories
from model_gen.codegen.neural_art.versions import Dialect
from model_gen.codegen.templates import render

NAME = "nightjar"  # of the profile
POOLS, PROFILE = "stm32n6.mpool", "neural_art_profile.json"
HIL, RELEASE = "hil", "release"
BUILDS = (HIL, RELEASE)
_ALWAYS = (
    *("-O3", "--Os", "--Ocache-opt", "--Oauto-sched", "--Omax-ca-pipe 4"),
    *("--native-float", "--cache-maintenance", "--enable-virtual-mem-pools"),
)
# Each epoch is a step of the core's, after which every tensor is looked at; or one program runs many.
_OF_BUILD = {HIL: ("--all-buffers-info",), RELEASE: ("--enable-epoch-controller",)}
_EXTERNAL = "xSPI2"
_ONCHIP_KBYTES = 1024  # as in every profile that ST ships


@dataclass(frozen=True)
class Cache:
    """The NPU's cache, which is the RAM at NJ_CACHEAXI_RAM: 512 x 64 x 8 bytes."""

    lines: int = 512
    line_bytes: int = 64
    ways: int = 8


@dataclass(frozen=True)
class _Costs:
    """What the compiler assumes of a memory: as ST's profiles say it."""

    throughput: str
    latency: str
    byte_width: int
    frequency_ratio: str  # clocks of the NPU's a beat
    read_power: str  # mW
    write_power: str


_RAM = _Costs("HIGH", "LOW", 8, "1.25", "18.531", "16.201")
_FLASH = _Costs("MID", "HIGH", 1, "6.00", "110", "400.0")


@dataclass(frozen=True)
class PrintedPool:
    """A pool as the template prints it."""

    file: Text
    name: Text
    rights: Text
    throughput: Text
    latency: Text
    byte_width: int
    frequency_ratio: Text
    read_power: Text
    write_power: Text
    constants: bool
    cached: bool
    first: Text
    kbytes: int
    comma: Text


def options(dialect: Dialect, build: str) -> tuple[str, ...]:
    """The options of the NPU's compiler for a build, one of BUILDS, in a dialect."""
    return (*_ALWAYS, *dialect.profile, *_OF_BUILD[build])


def render_pools(board: str, banks: int = 0) -> str:
    """The memory pools of a board's NPU; `banks` of its RAM for constants, or the NOR.

    Raises:
        BadInput: the board has none.
    """
    found = memories(board, banks)
    last = len(found) - 1
    return render(
        "neural_art_pools.json",
        onchip_kbytes=_ONCHIP_KBYTES,
        cache=Cache(),
        pools=[_printed(memory, number == last) for number, memory in enumerate(found)],
    )


def _printed(memory: Memory, last: bool) -> PrintedPool:
    external = memory.file == _EXTERNAL
    costs = _FLASH if external else _RAM
    return PrintedPool(
        file=c_text.word(memory.file),
        name=c_text.word(memory.name),
        rights=c_text.identifier("ACC_READ" if memory.constants else "ACC_WRITE"),
        throughput=c_text.identifier(costs.throughput),
        latency=c_text.identifier(costs.latency),
        byte_width=costs.byte_width,
        frequency_ratio=c_text.constant(costs.frequency_ratio),
        read_power=c_text.constant(costs.read_power),
        write_power=c_text.constant(costs.write_power),
        constants=memory.constants,
        cached=external,
        first=c_text.word(f"{memory.first:#x}"),
        kbytes=memory.bytes >> 10,
        comma=c_text.phrase("" if last else ","),
    )


def render_profile(dialect: Dialect, build: str) -> str:
    """The file that names the pools, which lie beside it, and the compiler's options."""
    return render(
        "neural_art_profile.json",
        profile=c_text.identifier(NAME),
        pools=c_text.word(POOLS),
        options=c_text.phrase(" ".join(options(dialect, build))),
    )
