"""`nightjar selftest`: the tester tested, in great numbers."""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import click

from host.cli.common import Group, json_option, project_option, say, write_json
from host.cli.parameters import FiniteRange, WholeRange

if TYPE_CHECKING:
    from host.selftest.pool import Ended

SCHEMA = "nightjar/selftest/1"
_Case = TypeVar("_Case")
_Result = TypeVar("_Result")


@click.group("selftest", cls=Group, help="Test the tester: calls, flips, signals, links.")
def command() -> None:
    pass


def _only(what: str) -> Callable[[Any], Any]:
    return click.option(
        "--only", multiple=True, type=WholeRange(min=0), help=f"Only this {what}; may be repeated."
    )


def _seed(text: str) -> Callable[[Any], Any]:
    return click.option(
        "--seed", default=1, show_default=True, type=WholeRange(min=0, max=10**9), help=text
    )


def _count(default: int) -> Callable[[Any], Any]:
    return click.option("--count", default=default, show_default=True, type=WholeRange(min=1))


_workers = click.option("--workers", default=2, show_default=True, type=WholeRange(min=1))


class _Tally(Protocol[_Case, _Result]):
    """What the figures of a campaign are made from."""

    def add(self, ended: "Ended[_Case, _Result]") -> None: ...
    def lines(self) -> list[str]: ...


def _work(
    what: str,
    total: int,
    begin: "Callable[[], Iterable[Ended[_Case, _Result]]]",
    tally: _Tally[_Case, _Result],
    json_path: str | None,
) -> None:
    """Tally cases as they end, and say the figures: when it is interrupted, too.

    The cases are begun here, and held by the loop alone, so that they are over when it is left.
    """
    from host.cli.bar import bar

    try:
        with bar(what, total) as step:
            for ended in begin():
                tally.add(ended)
                step()
    finally:
        for line in tally.lines():
            say(line, json_path)


def _end(test: str, given: dict[str, Any], figures: dict[str, Any], json_path: str | None) -> int:
    """Write the result and say how many deviations there are; the exit code."""
    write_json(json_path, {"schema": SCHEMA, "test": test, **given, **figures})
    for line in figures["deviating"]:
        say(line, json_path)
    say(f"{figures['deviations']} deviations", json_path)
    return 1 if figures["deviations"] else 0


@command.command(
    "matrix",
    help="Call the suite in every way that could hide a failure, on good, damaged and foreign firmware and over a dead"
    " link. Exit 1 when one of them does not give the code of the table.",
)
@click.option("--quick", is_flag=True, help="Only the calls that every test run makes.")
@_workers
@click.option("--only", multiple=True, help="Only this call; may be repeated.")
@json_option
def matrix(quick: bool, workers: int, only: tuple[str, ...], json_path: str | None) -> int:
    from dataclasses import asdict

    from host.cli.bar import bar
    from host.selftest.invocations import INVOCATIONS
    from host.selftest.matrix import CONDITIONS, run_matrix

    chosen = [
        one for one in INVOCATIONS if (one.quick or not quick) and (not only or one.name in only)
    ]
    with bar("matrix", len(chosen) * len(CONDITIONS)) as step:
        cells = run_matrix(chosen, workers=workers, done=lambda cell: step())
    wrong = [cell for cell in cells if cell.wrong]
    write_json(
        json_path,
        {
            "schema": SCHEMA,
            "test": "matrix",
            "calls": len(chosen),
            "cells": [asdict(cell) for cell in cells],
            "deviations": len(wrong),
        },
    )
    for cell in wrong:
        say(f"{cell.invocation} on {cell.condition}: wanted {cell.wanted}: {cell.wrong}", json_path)
    say(f"{len(chosen)} calls x {len(CONDITIONS)}: {len(wrong)} deviations", json_path)
    return 1 if wrong else 0


@command.command(
    "flips",
    help="Flip single bits, drawn over all loaded bytes of the linked firmware of a model. With the record of its build"
    " unchanged each must be IDENTITY; recorded anew each is judged by a full verdict, and must give what the place of"
    " the byte explains. What changes nothing though its byte is reached is listed. Exit 1 on any deviation.",
)
@click.option(
    "--bundle",
    default="build/demo/bundle",
    show_default=True,
    type=click.Path(path_type=Path),
    help="A bundle folder or a .tflite.",
)
@click.option("--board", default="virtual", show_default=True, help="virtual or native")
@project_option
@_count(1000)
@_seed("Of the flips.")
@click.option(
    "--vectors",
    default=1,
    show_default=True,
    type=WholeRange(min=0),
    help="Random vectors; a bundle's own chunks are judged besides.",
)
@click.option(
    "--limit",
    type=FiniteRange(min=1),
    metavar="SECONDS",
    help="Of one flip; without, 60 or ten times what the firmware takes unflipped.",
)
@click.option(
    "--log",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Keep each flip here, and go on where an earlier run with the same file was ended.",
)
@_workers
@json_option
def flips(
    bundle: Path,
    board: str,
    project: Path | None,
    count: int,
    seed: int,
    vectors: int,
    limit: float | None,
    log: Path | None,
    workers: int,
    json_path: str | None,
) -> int:
    from dataclasses import asdict

    from host.cli.progress import working
    from host.files import sha256_file
    from host.selftest.flip_tally import FlipTally
    from host.selftest.flips import Flip, campaign, draw, target
    from host.selftest.log import Log
    from host.typed import typed

    made = target(bundle, board, project=project, vectors=vectors, seed=seed, limit=limit)
    tally = FlipTally()
    with contextlib.ExitStack() as stack:
        with working("judging the firmware as it is"):
            given = stack.enter_context(made)
        size = given.layout.size
        drawn = [(number, *bit) for number, bit in enumerate(draw(size, seed, count))]
        about = {
            "elf_sha256": sha256_file(given.project.elf),
            **{"board": board, "vectors": vectors, "seed": seed, "bytes": size},
        }
        kept = None if log is None else Log(log, {"schema": SCHEMA, "test": "flips", **about})
        if kept is not None:
            stack.callback(kept.close)
        for known in [] if kept is None else kept.known:
            tally.take(typed(Flip, known))
        done = {flip.number for flip in tally.flips}
        left = [one for one in drawn if one[0] not in done]

        def judged() -> "Iterator[Ended[tuple[int, int, int], Flip]]":
            for ended in campaign(given, left, workers):
                if kept is not None and ended.result is not None:
                    kept.add(asdict(ended.result))
                yield ended

        _work("flips", len(left), judged, tally, json_path)
    return _end("flips", {**about, "count": count}, tally.as_json(), json_path)


@command.command(
    "sessions",
    help="Judge good, flipped, hanging, faulting and foreign firmware of a small model on the native board, each time"
    " over another link: bytes damaged, frames lost, doubled or late, lines that die, noise, resets, killed boards."
    " Exit 1 when a verdict, a class or an end is not as it must be.",
)
@_count(100_000)
@_seed("Of the campaign: its sessions are those from ten million times this number on.")
@_only("session")
@_workers
@json_option
def sessions(
    count: int, seed: int, only: tuple[int, ...], workers: int, json_path: str | None
) -> int:
    from host.cli.progress import working
    from host.selftest.session_tally import SessionTally
    from host.selftest.sessions import campaign, seeds_of, stocked

    chosen = only or seeds_of(seed, count)
    with contextlib.ExitStack() as stack:
        with working("making firmware"):
            stock = stack.enter_context(stocked())
        tally = SessionTally()
        _work("sessions", len(chosen), lambda: campaign(stock, chosen, workers), tally, json_path)
    given = {"seed": seed, "count": len(chosen), "workers": workers}
    return _end("sessions", given, tally.as_json(), json_path)


@command.command(
    "replays",
    help="Record sessions with drawn firmware over drawn links, on native and one in eight on virtual, and replay each:"
    " the same verdict, class, code and words. Each file is damaged, too, in four ways, and must be refused or come to"
    " the same. Exit 1 on any deviation.",
)
@click.option("--sessions", "count", default=200, show_default=True, type=WholeRange(min=1))
@_seed("Of the campaign: its sessions are those from ten million times this number on.")
@_only("session")
@_workers
@json_option
def replays(
    count: int, seed: int, only: tuple[int, ...], workers: int, json_path: str | None
) -> int:
    from host.cli.progress import working
    from host.selftest.replay_tally import ReplayTally
    from host.selftest.replays import campaign
    from host.selftest.sessions import seeds_of, stocked

    chosen = only or seeds_of(seed, count)
    with contextlib.ExitStack() as stack:
        with working("making firmware"):
            stocks = [stack.enter_context(stocked(tier)) for tier in ("native", "virtual")]
        tally = ReplayTally()
        _work("replays", len(chosen), lambda: campaign(stocks, chosen, workers), tally, json_path)
    given = {"seed": seed, "count": len(chosen), "workers": workers}
    return _end("replays", given, tally.as_json(), json_path)


@command.command(
    "signals",
    help="End runs of verify, hil, classify and board by SIGINT, SIGTERM and SIGHUP, sometimes two, at drawn moments."
    " Each must give the signal's code, and leave no process, no kept folder, no temporary file and no half-written"
    " result. Exit 1 on any deviation.",
)
@_count(50)
@_seed("Of the signals and moments.")
@_only("case")
@_workers
@json_option
def signals(
    count: int, seed: int, only: tuple[int, ...], workers: int, json_path: str | None
) -> int:
    from host.cli.progress import working
    from host.selftest.commands import KINDS
    from host.selftest.signal_tally import SignalTally
    from host.selftest.signals import campaign, draw, scene, undisturbed

    cases = [draw(seed, number) for number in only or range(count)]
    tally = SignalTally(seed)
    with contextlib.ExitStack() as stack:
        with working("making firmware") as now:
            given, folder = stack.enter_context(scene())
            known = {}
            for number, name in enumerate(dict.fromkeys(case.kind for case in cases)):
                now(f"{name}, undisturbed")
                known[name] = undisturbed(given, KINDS[name], folder / f"calm{number}")
        _work(
            *("signals", len(cases)),
            lambda: campaign(given, known, folder, cases, workers),
            *(tally, json_path),
        )
    return _end("signals", {"seed": seed, "count": len(cases)}, tally.as_json(), json_path)


@command.command(
    "boards",
    help="Simulated boards on a bench, and jobs side by side that take any of them, while jobs and boards are killed at"
    " random. Each other job must end in its own result, on a board that it had alone. Exit 1 on any deviation.",
)
@_count(100)
@click.option(
    "--minutes", type=FiniteRange(min=0), help="As many jobs as begin in them, not --count."
)
@click.option("--boards", default=4, show_default=True, type=WholeRange(min=1))
@click.option("--at-once", default=8, show_default=True, type=WholeRange(min=1), help="Jobs.")
@click.option(
    "--linger",
    default=0.1,
    show_default=True,
    type=FiniteRange(min=0),
    help="Seconds, at most, that a job keeps its board between two questions.",
)
@_seed("Of what is killed, and when.")
@json_option
def boards(
    count: int,
    minutes: float | None,
    boards: int,
    at_once: int,
    linger: float,
    seed: int,
    json_path: str | None,
) -> int:
    import tempfile

    from host.cli.progress import working
    from host.compare.prepare import prepare
    from host.deadline import Deadline
    from host.selftest.many_boards import campaign
    from model_gen.codegen.testing.net import make_net

    with (
        tempfile.TemporaryDirectory(prefix="nightjar-") as folder,
        working("making firmware") as now,
    ):
        model = Path(folder) / "small.tflite"
        model.write_bytes(make_net(seed=1).tflite())
        _, project = prepare(model, "native", out=Path(folder) / "native")
        now("jobs")
        end = None if minutes is None else Deadline.after(60 * minutes)

        def more(number: int) -> bool:
            return number < count if end is None else not end.expired

        found = campaign(
            project.elf,
            model,
            boards=boards,
            at_once=at_once,
            seed=seed,
            more=more,
            linger=linger,
        )
    for line in found.lines():
        say(line, json_path)
    given = {"seed": seed, "boards": boards, "at_once": at_once, "linger": linger}
    return _end("boards", given, found.as_json(), json_path)


@command.command(
    "faults",
    help="The fault table, executed: each fault brought about on native, virtual or n6-virtual boards, and what"
    " a user sees of it: class, exit code, words. Exit 1 when one does not come out as its row says, or passes wrongly;"
    " 18 when this computer lacks a tier.",
)
@click.option(
    "--count",
    default=10,
    show_default=True,
    type=WholeRange(min=1),
    help="Of each injection; of those that cost seconds, a tenth.",
)
@click.option("--rows", multiple=True, metavar="NAME", help="Only this row; may be repeated.")
@_seed("Of what is left to chance.")
@json_option
def faults(count: int, rows: tuple[str, ...], seed: int, json_path: str | None) -> int:
    from host.cli.progress import working
    from host.exit_codes import Exit
    from host.selftest.faults.campaign import as_json, campaign
    from host.selftest.faults.scene import scene
    from host.selftest.faults.table import chosen

    wanted = chosen(rows)
    with working("making firmware") as now, scene() as made:
        made.ready()
        now("faults")
        found = campaign(
            *(made, wanted, count, seed), done=lambda figures: say(figures.line, json_path)
        )
    figures = as_json(found)
    given = {"seed": seed, "count": count, "rows": [row.name for row in wanted]}
    code = _end("faults", given, figures, json_path)
    return code or (Exit.INCOMPLETE if any(one.skipped for one in found) else 0)
