"""Random pieces of networks in great numbers through the executor.

`python -m host.npu.testing.campaign --count 10000`. Each is written as text, and half of them as
programs of the epoch controller too. With `--records` nothing is written: the device alone runs
them, by its records and as programs, many times faster.
"""

import argparse
import json
import os
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from host.errors import NightjarError
from host.npu.testing import networks
from host.npu.testing.case import KINDS, case
from host.npu.testing.device import Device, build
from host.npu.testing.dialect import DIALECTS
from host.npu.testing.executed import Outcome, execute
from host.npu.testing.networks import random_network
from host.npu.testing.records import DEVICE


@dataclass
class Tally:
    """What was run and what came of it; `failures` name a network by its seed."""

    networks: int = 0
    pieces: Counter[str] = field(default_factory=Counter)
    dialects: Counter[str] = field(default_factory=Counter)
    blobs: int = 0
    tensors: int = 0
    bytes: int = 0
    results: int = 0
    ties: int = 0
    saturated: int = 0
    failures: list[str] = field(default_factory=list)
    processor_seconds: float = 0.0
    seconds: float = 0.0

    def add(self, outcome: Outcome) -> None:
        self.tensors += outcome.tensors
        self.bytes += outcome.bytes
        self.results += sum(seen.results for seen in outcome.run.seen)
        self.ties += sum(seen.ties for seen in outcome.run.seen)
        self.saturated += sum(seen.saturated for seen in outcome.run.seen)
        self.processor_seconds += outcome.run.processor_seconds


def campaign(count: int, seed: int, pieces: int) -> Tally:
    """Run `count` pieces, `pieces` in a network; each in the next dialect, half as blobs too."""
    tally = Tally()
    begin = time.monotonic()
    names = list(DIALECTS)
    for index in range(-(-count // pieces)):
        dialect = names[index % len(names)]
        with_blobs = index // len(names) % 2 == 1
        random = Random(f"{seed}/{index}")
        kinds = [random.choice(networks.KINDS) for _ in range(min(pieces, count - index * pieces))]
        network = random_network(random, "net", kinds)
        tally.networks += 1
        tally.pieces.update(kinds)
        tally.dialects[dialect] += 1
        for blobs in (False, True) if with_blobs else (False,):
            what = f"seed {seed}/{index}, dialect {dialect}, {'blobs' if blobs else 'text'}"
            with tempfile.TemporaryDirectory(prefix="nightjar-npu-") as folder:
                try:
                    outcome = execute(Path(folder), network, dialect, blobs=blobs, seed=index)
                except NightjarError as error:
                    tally.failures.append(f"{what}: {error}")
                    continue
            tally.blobs += blobs
            tally.add(outcome)
            if outcome.wrong:
                tally.failures.append(f"{what}: {', '.join(outcome.wrong)}")
    tally.seconds = time.monotonic() - begin
    return tally


def on_records(count: int, seed: int) -> Tally:
    """Run `count` networks of one piece, kind by kind, on the device, and as blobs."""
    tally = Tally()
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="nightjar-npu-") as folder:
        device = Device(build(Path(folder) / "device.so", DEVICE, "-O2"))
        for index in range(count):
            kind = KINDS[index % len(KINDS)]
            one = case(Random(f"{seed}/{index}"), [kind], index)
            runs = (device.run, device.run_blob)
            try:
                wrong = [
                    run.__name__ for run in runs if run(one.program, one.inputs) != one.expected
                ]
            except RuntimeError as error:
                wrong = [str(error)]
            if wrong:
                tally.failures.append(f"seed {seed}/{index}, {kind}: {', '.join(wrong)}")
            tally.networks += 1
            tally.pieces[kind] += 1
            tally.blobs += len(runs) - 1
            tally.tensors += len(runs) * len(one.expected)
            tally.bytes += len(runs) * sum(map(len, one.expected.values()))
    tally.seconds = time.monotonic() - begin
    return tally


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0: every byte of every tensor was right; 1: `failures` says which was not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="pieces")
    parser.add_argument("--pieces", type=int, default=40, help="in a network")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--records", action="store_true", help="the device alone")
    given = parser.parse_args(arguments)
    if given.count < 1 or given.pieces < 1:
        parser.error("--count and --pieces must be at least 1")
    with tempfile.TemporaryDirectory(prefix="nightjar-cache-") as cache:
        os.environ["NIGHTJAR_CACHE"] = cache  # a library a network, which nobody wants again
        if given.records:
            tally = on_records(given.count, given.seed)
        else:
            tally = campaign(given.count, given.seed, given.pieces)
    print(json.dumps(vars(tally), indent=2))
    return 1 if tally.failures else 0


if __name__ == "__main__":
    raise SystemExit(main())
