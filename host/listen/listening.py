"""What firmware that listens has heard, for JSON and for people: detections, losses, and what is left of the time."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from host.link.messages import Listened
from host.listen.application import Listening
from host.listen.detector import Heard
from host.listen.rule import Rule

SCHEMA = "nightjar/listen/1"
Say = Callable[[str], None]


@dataclass(frozen=True)
class Margin:
    """What a chunk may cost and what the worst one has cost, in HELLO's unit; `left` is the share that is not needed.

    A chunk's time is that from it to the next. The budget counts one instruction a cycle.
    """

    clock_hz: int
    budget: int
    worst: int

    @property
    def left(self) -> float:
        return 1.0 - self.worst / self.budget


def margin(rule: Rule, counts: Listened, clock_hz: int) -> Margin | None:
    """Of the worst chunk; None where nothing was counted."""
    budget = clock_hz * rule.stride // rule.rate
    if counts.worst_chunk == 0 or budget == 0:
        return None
    return Margin(clock_hz, budget, counts.worst_chunk)


def rows(found: tuple[Heard, ...], rule: Rule, labels: tuple[str, ...]) -> list[dict[str, Any]]:
    """Detections for JSON: numbers of the firmware, and what they mean."""
    return [
        {
            **asdict(one),
            "name": labels[one.label],
            "start_s": one.start / rule.rate,
            "end_s": one.end / rule.rate,
            "pooled": rule.score(one.score),
        }
        for one in found
    ]


def as_json(
    heard: list[Listening], rule: Rule, labels: tuple[str, ...], clock_hz: int, **who: Any
) -> dict[str, Any]:
    """`nightjar/listen/1`."""
    files = []
    for one in heard:
        room = margin(rule, one.counts, clock_hz)
        files.append(
            {
                "file": one.file,
                "seconds": one.seconds,
                "blocks": one.blocks,
                "lost_samples": one.counts.lost,
                "late_s": one.late,
                "same": one.same,
                "detections": rows(one.board, rule, labels),
                "host": None if one.host is None else rows(one.host, rule, labels),
                "counts": asdict(one.counts),
                "margin": None if room is None else {**asdict(room), "left": room.left},
            }
        )
    return {"schema": SCHEMA, **who, "rule": rule_as_json(rule), "files": files}


def rule_as_json(rule: Rule) -> dict[str, Any]:
    """What a reader wants of a rule: no tables."""
    given = asdict(rule)
    return {name: given[name] for name in ("pool", "chunks", "stride", "rate", "least", "most")}


def show(
    one: Listening, rule: Rule, labels: tuple[str, ...], clock_hz: int, unit: str, say: Say
) -> None:
    """Say what was heard, whether it is the host's, what was lost, and what is left of the time."""
    say(f"{one.file}: {one.seconds:.1f} s, {one.counts.chunks} chunks")
    for heard in one.board:
        say(line(heard, rule, labels))
    if one.host is None:
        say(f"  detections: {len(one.board)}; only the board has heard this")
    elif one.same:
        say(f"  detections: {len(one.board)}, byte for byte the host's")
    else:
        say(f"  detections DIFFER: {len(one.board)} of the board, {len(one.host)} of the host:")
        for heard in one.host:
            say(line(heard, rule, labels))
    counts = one.counts
    say(
        f"  blocks: {one.blocks}, {counts.lost} samples lost; at most {counts.fullest} of {counts.room} samples waited"
    )
    if counts.unlogged:
        say(f"  log: {counts.unlogged} entries lost: the card's log is full, or the card failed")
    room = margin(rule, counts, clock_hz)
    if room is not None:
        say(
            f"  worst chunk: {room.worst:,} {unit} of {room.budget:,} in its {rule.stride / rule.rate:.3f} s at"
            f" {clock_hz / 1e6:g} MHz: {room.left:.1%} left; longest unit of work: {counts.worst_unit:,}"
        )


def line(heard: Heard, rule: Rule, labels: tuple[str, ...]) -> str:
    """A detection for people."""
    times = f"{heard.start / rule.rate:9.3f} - {heard.end / rule.rate:9.3f} s"
    return (
        f"  {times}  {rule.score(heard.score):.3f}  {labels[heard.label]} ({heard.chunks} chunks)"
    )
