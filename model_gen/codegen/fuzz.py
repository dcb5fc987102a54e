"""Fuzzes the way from a .tflite to C: damaged models are refused with BadInput or compiled, in bounded time.

    python -m model_gen.codegen.fuzz --count 100000 --seed 1 MODEL...

Input `index` of a seed is always the same, so a finding is repeated by `--count 1 --first INDEX`. Damage: bytes
flipped, ends cut off, stretches copied elsewhere, 32-bit words (offsets, vector lengths, shapes) set to extremes or
moved.
"""

import argparse
import random
import struct
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from host.errors import BadInput
from model_gen.codegen.cm55.compile import compile_model

_EXTREMES = (0, 1, 2, 4, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x10000, 1 << 20, 1 << 28, 1 << 30)
EXTREMES = (*_EXTREMES, 0x7FFFFFFF, 0x80000000, 0xFFFFFFF0, 0xFFFFFFFE, 0xFFFFFFFF)


@dataclass(frozen=True)
class Outcome:
    """Of `inputs` damaged models; `slowest` in seconds of processor time, that of input `slowest_index`."""

    inputs: int
    accepted: int
    slowest: float
    slowest_index: int


class Finding(Exception):
    """Something other than success or BadInput; the cause is chained."""


def _flip(generator: random.Random, content: bytearray, _: Sequence[bytes]) -> None:
    for _i in range(generator.choice((1, 1, 2, 8))):
        content[generator.randrange(len(content))] ^= 1 << generator.randrange(8)


def _byte(generator: random.Random, content: bytearray, _: Sequence[bytes]) -> None:
    for _i in range(generator.choice((1, 1, 3, 12))):
        content[generator.randrange(len(content))] = generator.choice((0, 1, 127, 128, 255))


def _truncate(generator: random.Random, content: bytearray, _: Sequence[bytes]) -> None:
    del content[generator.randrange(len(content)) :]


def _splice(generator: random.Random, content: bytearray, models: Sequence[bytes]) -> None:
    """A stretch of some model overwrites, or is put between, other bytes."""
    source = generator.choice(models)
    start = generator.randrange(len(source))
    piece = source[start : start + generator.choice((1, 4, 16, 64, 500))]
    place = generator.randrange(len(content))
    content[place : place + generator.choice((0, len(piece), len(piece)))] = piece


def _word(generator: random.Random, content: bytearray, _: Sequence[bytes]) -> None:
    """An aligned 32-bit word, as offsets, lengths and dimensions are, becomes an extreme."""
    for _i in range(generator.choice((1, 1, 2))):
        place = 4 * generator.randrange(len(content) // 4)
        struct.pack_into("<I", content, place, generator.choice(EXTREMES))


def _nudge(generator: random.Random, content: bytearray, _: Sequence[bytes]) -> None:
    """A word that is small, as offsets and counts are, becomes a little more or less, or leads elsewhere."""
    words = struct.unpack_from(f"<{len(content) // 4}I", content)
    small = [i for i, word in enumerate(words) if 0 < word < len(content)]
    place = generator.choice(small or [0])
    step = generator.choice((-8, -4, -1, 1, 4, 8, generator.randrange(len(content))))
    struct.pack_into("<I", content, 4 * place, (words[place] + step) & 0xFFFFFFFF)


_KINDS: tuple[Callable[[random.Random, bytearray, Sequence[bytes]], None], ...] = (
    *(_flip, _byte, _truncate),
    *(_splice, _word, _word, _nudge, _nudge),
)


def damaged(models: Sequence[bytes], seed: int, index: int) -> bytes:
    """Input `index` of `seed`: one of the models with one or two kinds of damage."""
    generator = random.Random(f"{seed}/{index}")
    content = bytearray(generator.choice(models))
    for _ in range(generator.choice((1, 1, 2))):
        if len(content) > 8:
            generator.choice(_KINDS)(generator, content, models)
    return bytes(content)


def fuzz(models: Sequence[bytes], *, count: int, seed: int, first: int = 0) -> Outcome:
    """Compile `count` damaged models, from input `first` on.

    Raises:
        Finding: an input made anything else than C or BadInput.
    """
    accepted, slowest, slowest_index = 0, 0.0, first
    for index in range(first, first + count):
        content = damaged(models, seed, index)
        started = time.process_time()
        try:
            compile_model(content)
            accepted += 1
        except BadInput:
            pass
        except Exception as error:
            raise Finding(
                f"input {index} of seed {seed}, {len(content)} bytes: {error!r}"
            ) from error
        taken = time.process_time() - started
        if taken > slowest:
            slowest, slowest_index = taken, index
    return Outcome(count, accepted, slowest, slowest_index)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m model_gen.codegen.fuzz",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("models", type=Path, nargs="*", help=".tflite files; else small built-in")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    given = parser.parse_args(arguments)
    models = [path.read_bytes() for path in given.models]
    if not models:
        from model_gen.codegen.testing.fuzz_models import MODELS

        models = [make() for make in MODELS]
    found = fuzz(models, count=given.count, seed=given.seed, first=given.first)
    print(
        f"{found.inputs:,} inputs, seed {given.seed}: {found.accepted:,} compiled, "
        f"{found.inputs - found.accepted:,} refused, nothing else; "
        f"the slowest, {found.slowest_index}, took {found.slowest:.2f} s"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
