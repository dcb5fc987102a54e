"""One run of the history: a verdict, and of which commit and board it is."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from host.coverage.coverage import Share
from host.history.commit import Commit
from host.report.gates import COVERAGE, FOOTPRINT


@dataclass(frozen=True)
class Place:
    """Where a run is from.

    Attributes:
        commit: of the repository that was worked in.
        model: the name of the model's file or bundle.
        board: its name on the bench, or its tier.
    """

    commit: Commit
    model: str
    board: str


@dataclass(frozen=True)
class Run:
    """A verdict of the store, without the verdict's own text.

    Attributes:
        id: counts up from 1 in the order of writing; with PostgreSQL numbers may be left out.
        recorded: when it was written: UTC, `2026-11-29T02:06:04Z`.
        commit, branch, dirty: as in `Commit`.
        model: its name; model_sha256: its content.
        board: its name on the bench; kind: what the firmware is for; tier: who ran it; uid: of the chip, hex.
        state: Exact, Different or Incomplete; exit_code: of the command.
        unit: of costs: instructions, cycles or none.
        frontend, model_cost: one inference, in `unit`; None where nothing is counted.
        flash, engine_flash, ram, arena, stack: bytes.
        code, constants: coverage in percent; None where it was not counted.
        structure: a digest that tells which layers there are.
        costs: the cost of each layer, in `unit`, as a JSON list.
        layers: JSON list of [index, op, name] of each layer.
    """

    id: int
    recorded: str
    commit: str
    branch: str
    dirty: bool
    model: str
    model_sha256: str
    board: str
    kind: str
    tier: str
    uid: str
    backend: str
    build_id: str
    compiler: str
    state: str
    exit_code: int
    vectors: int
    unit: str
    frontend: int | None
    model_cost: int | None
    flash: int
    engine_flash: int
    ram: int
    arena: int
    stack: int
    code: float | None
    constants: float | None
    structure: str
    costs: str
    layers: str

    @property
    def series(self) -> tuple[str, str, str, str]:
        """What runs have in common that are points of one line."""
        return self.model, self.board, self.tier, self.backend

    @property
    def short(self) -> str:
        """Its commit in ten digits, with a + where the tree was dirty; a dash without one."""
        return (self.commit[:10] or "-") + ("+" if self.dirty else "")

    @property
    def named(self) -> tuple[tuple[int, str, str], ...]:
        """(index, op, name) of each layer."""
        return _named(self.layers)

    @cached_property
    def counted(self) -> tuple[int | None, ...]:
        """The cost of each layer."""
        return tuple(json.loads(self.costs))


@lru_cache(maxsize=64)
def _named(layers: str) -> tuple[tuple[int, str, str], ...]:
    """Read once for all runs that have the same."""
    return tuple((index, op, name) for index, op, name in json.loads(layers))


def columns_of(verdict: Mapping[str, Any], place: Place) -> dict[str, Any]:
    """The columns of a verdict `nightjar/verify/1`, without id, time, structure and layers."""
    proved, cost = verdict["proved"], verdict["cost"]
    coverage: dict[str, Any] = verdict.get("coverage") or {}
    shares: dict[str, Any] = dict.fromkeys(COVERAGE)
    for name in COVERAGE if coverage else ():
        shares[name] = Share(**coverage[name]).percent
    return {
        "commit": place.commit.sha,
        "branch": place.commit.branch,
        "dirty": place.commit.dirty,
        "model": place.model,
        "model_sha256": verdict["model_sha256"],
        "board": place.board,
        "kind": verdict["board"],
        "tier": verdict.get("tier") or verdict["board"],
        "uid": proved.get("uid", ""),
        "backend": verdict["backend"],
        "build_id": verdict["build_id"],
        "compiler": proved["compiler"],
        "state": _state(verdict),
        "exit_code": verdict.get("exit_code", 0),
        "vectors": verdict["vectors"],
        "unit": proved["cost_unit"],
        "frontend": cost["frontend"],
        "model_cost": cost["model"],
        **{name: verdict["footprint"][name] for name in FOOTPRINT},
        **shares,
        "costs": json.dumps(
            [layer["instructions"] for layer in verdict["layers"]], separators=(",", ":")
        ),
    }


def layers_of(verdict: Mapping[str, Any]) -> str:
    """[index, op, name] of each layer, as JSON."""
    return json.dumps([[one["index"], one["op"], one["name"]] for one in verdict["layers"]])


def _state(verdict: Mapping[str, Any]) -> str:
    if verdict["first_difference"] is not None:
        return "Different"
    return "Exact" if verdict["exact"] else "Incomplete"
