"""Counts by function and by loop, with disassembly."""

import re
import subprocess
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from host.profile.count import Block, Engine

_LINE = re.compile(r"^\s*([0-9a-f]+):\t[0-9a-f ]+\t(\S.*)$")
_VECTOR = re.compile(r"\bq[0-7]\b|^vpst|^vpt|^vctp")


@dataclass(frozen=True)
class Loop:
    """A block that runs again and again: `instructions` in one inference, and its disassembly."""

    function: str
    address: int
    runs: float
    instructions: float
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Profile:
    """Instructions of one inference that the engine's own code executes.

    steps: by step; functions: by name, largest first; helium: the share of vector instructions, 0 to 1.
    """

    total: float
    steps: tuple[float, ...]
    functions: tuple[tuple[str, float], ...]
    helium: float
    loops: tuple[Loop, ...]


def disassemble(elf: Path, engine: Engine) -> dict[int, str]:
    """address -> instruction, of the engine's code."""
    done = subprocess.run(
        [
            "arm-none-eabi-objdump",
            "-d",
            "-marmv8.1-m.main",
            f"--start-address={engine.begin}",
            f"--stop-address={engine.end}",
            str(elf),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    found = {}
    for line in done.stdout.splitlines():
        match = _LINE.match(line)
        if match:
            found[int(match[1], 16)] = " ".join(match[2].split("@")[0].split())
    return found


def profile(blocks: list[Block], engine: Engine, code: dict[int, str], *, loops: int) -> Profile:
    """Add up; `code` from `disassemble`."""
    addresses = sorted(code)
    position = {address: i for i, address in enumerate(addresses)}
    functions: defaultdict[str, float] = defaultdict(float)
    steps = [0.0] * len(engine.steps)
    total = 0.0
    vector = 0.0
    hot: dict[tuple[int, int], float] = {}
    for block in blocks:
        runs = sum(block.runs)
        total += runs * block.instructions
        for i, one in enumerate(block.runs):
            steps[i] += one * block.instructions
        functions[_function(engine, block.address)] += runs * block.instructions
        start = position.get(block.address)
        if start is not None:
            inside = addresses[start : start + block.instructions]
            vector += runs * sum(1 for a in inside if _VECTOR.search(code[a]))
        key = (block.address, block.instructions)
        hot[key] = hot.get(key, 0.0) + runs
    hottest = sorted(hot, key=lambda key: -hot[key] * key[1])[:loops]
    return Profile(
        total,
        tuple(steps),
        tuple(sorted(functions.items(), key=lambda item: -item[1])),
        vector / total if total else 0.0,
        tuple(_loop(engine, code, addresses, position, key, hot[key]) for key in hottest),
    )


def _function(engine: Engine, address: int) -> str:
    inside = [name for begin, size, name in engine.functions if begin <= address < begin + size]
    return inside[-1] if inside else "?"


def _loop(
    engine: Engine,
    code: dict[int, str],
    addresses: list[int],
    position: dict[int, int],
    key: tuple[int, int],
    runs: float,
) -> Loop:
    address, count = key
    start = position.get(address, len(addresses))
    lines = tuple(f"{a:08x}  {code[a]}" for a in addresses[start : start + count])
    return Loop(_function(engine, address), address, runs, runs * count, lines)
