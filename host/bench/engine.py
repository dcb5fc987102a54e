"""The table of `nightjar bench engine`: our engine beside the recorded peer, model by model."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

SCHEMA = "nightjar/bench/1"
PEERS = Path(__file__).with_name("peers.json")


@dataclass(frozen=True)
class Peer:
    """Recorded figures of TFLM with CMSIS-NN; flash is code and model. `goal`: instructions that we must not exceed."""

    name: str
    macs: int
    instructions: int
    flash_kb: float
    arena: int
    goal: int


@dataclass(frozen=True)
class EngineRow:
    """Our figures for one model, and the peer's for the model of the same multiply-accumulates, if one is recorded.

    expected: what `nightjar profile` predicts of the instructions; None where a kernel of it was not measured.
    """

    model: str
    macs: int
    instructions: int
    engine_flash: int
    arena: int
    peer: Peer | None
    expected: int | None = None


@dataclass(frozen=True)
class Refusal:
    """A model of the folder that the backend does not take, and why."""

    model: str
    what: str


def peers() -> tuple[list[Peer], str]:
    """The recorded peers, and where and when they were measured."""
    data = json.loads(PEERS.read_text())
    return [Peer(**peer) for peer in data["peers"]], f"{data['source']}, {data['date']}"


def peer_of(macs: int) -> Peer | None:
    """The peer whose model has exactly as many multiply-accumulates: the same architecture."""
    return next((peer for peer in peers()[0] if peer.macs == macs), None)


def expected_of(model: bytes) -> int | None:
    """Instructions of one inference, from the table of single kernels.

    Raises:
        BadInput: backend cm55 does not take the model.
    """
    from model_gen.profile.cost import shipped_table
    from model_gen.profile.tflite_walk import tflite_steps

    total = 0.0
    for step in tflite_steps(model)[1]:
        found = (
            0.0 if step.idle else None if step.work is None else shipped_table().predict(step.work)
        )
        if found is None:
            return None
        total += found
    return round(total)


def engine_json(
    rows: Sequence[EngineRow], refusals: Sequence[Refusal], board: str
) -> dict[str, Any]:
    """`nightjar/bench/1`, with one entry a model under "engine", or under "refused"."""
    return {
        "schema": SCHEMA,
        "board": board,
        "peer_source": peers()[1],
        "engine": [
            asdict(row)
            | {
                "per_mac": row.instructions / row.macs if row.macs else None,
                "ratio": None if row.peer is None else row.instructions / row.peer.instructions,
            }
            for row in rows
        ],
        "refused": [asdict(refusal) for refusal in refusals],
    }


def engine_lines(rows: Sequence[EngineRow], refusals: Sequence[Refusal]) -> list[str]:
    """The table as text."""
    lines = [
        f"{'model | peer of as many MACs':54} {'MACs':>12} {'ours':>12} {'per MAC':>8} {'peer':>12} {'ratio':>6}"
        f" {'goal':>12} {'flash':>9} {'arena':>9} {'peer arena':>10}"
    ]
    for row in rows:
        per_mac = f"{row.instructions / row.macs:.3f}" if row.macs else "-"
        peer = row.peer
        name = row.model if peer is None else f"{row.model} | {peer.name}"
        lines.append(
            f"{name[:54]:54} {row.macs:12,} {row.instructions:12,} {per_mac:>8}"
            + (
                f" {'-':>12} {'-':>6} {'-':>12}"
                if peer is None
                else f" {peer.instructions:12,} {row.instructions / peer.instructions:6.2f} {peer.goal:12,}"
            )
            + f" {row.engine_flash:9,} {row.arena:9,} {'-' if peer is None else format(peer.arena, ','):>10}"
        )
    lines += [f"{refusal.model}: refused: {refusal.what}" for refusal in refusals]
    return [*lines, f"peer: {peers()[1]}"]
