"""Cost and footprint against an earlier verdict: like with like, layer by layer, or not at all."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from host.errors import BadInput, NightjarError, RegressionFailure
from host.report.gates import FOOTPRINT, STAGES, listed
from host.report.stored import parse_verdict, read_verdict
from host.report.verdict import Verdict

if TYPE_CHECKING:
    from host.compare.session import Session

_SHOWN = 5  # differences that a message names
_WHAT = "a baseline"


@dataclass(frozen=True)
class Baseline:
    """An earlier verdict, `nightjar/verify/1`, that a new one is held against."""

    path: Path
    raw: dict[str, Any]

    @classmethod
    def read(cls, path: Path) -> "Baseline":
        """Read an earlier verdict.

        Raises:
            BadInput: the file is none, or one that nothing can be held against: not exact, or not whole.
        """
        return cls._of(path, read_verdict(path, _WHAT))

    @classmethod
    def parse(cls, path: Path, data: bytes) -> "Baseline":
        """The same from the bytes of the file.

        Raises: as `read`.
        """
        return cls._of(path, parse_verdict(path, data, _WHAT))

    @classmethod
    def _of(cls, path: Path, raw: dict[str, Any]) -> "Baseline":
        baseline = cls(path, raw)
        if not raw["exact"] or not raw.get("complete", True):
            raise baseline._refuse("is not exact", "exact: false")
        return baseline

    def check(self, session: "Session") -> None:
        """Refuse, before anything runs, what the files tell cannot be compared with `session`.

        Raises:
            BadInput: naming what differs.
        """
        project, subject = session.project.description, session.subject
        self._same(
            {
                "board": (self.raw["board"], project.board),
                "tier": (self.raw.get("tier", self.raw["board"]), session.board),
                "backend": (self.raw["backend"], project.backend),
                "model": (self.raw["model_sha256"], subject.model_sha256),
                "contract": (self.raw["proved"]["contract_sha256"], subject.contract_sha256),
                "number of vectors": (self.raw["vectors"], session.scope.total),
                "list of layers": (
                    [(layer["index"], layer["op"], layer["name"]) for layer in self.raw["layers"]],
                    [(one.index, one.op, one.name) for one in session.structure.layers],
                ),
            }
        )
        if session.scope.counts:
            self._counted(has_frontend=subject.contract is not None)

    def compare(self, verdict: Verdict) -> NightjarError | None:
        """What the gate says of a new verdict: what cannot be compared, what grew, or None."""
        try:
            self._same(
                {
                    "compiler": (self.raw["proved"]["compiler"], verdict.proved.compiler),
                    "rounding": (self.raw["proved"]["rounding"], verdict.proved.rounding),
                    "cost unit": (self.raw["proved"]["cost_unit"], verdict.proved.cost_unit),
                    **(self._of_cycles(verdict) if verdict.proved.cost_unit == "cycles" else {}),
                }
            )
        except BadInput as error:
            return error
        grown = [
            f"{name} {before:,} -> {now:,}"
            + (f" ({100 * (now - before) / before:+.2f} %)" if before else "")
            for name, before, now in self._pairs(verdict)
            if now > before
        ]
        if not grown:
            return None
        return RegressionFailure(
            "cost or footprint grew against the baseline",
            evidence=listed(grown),
            next_step="find the change that costs it, or accept it by recording a new baseline",
        )

    def _of_cycles(self, verdict: Verdict) -> dict[str, tuple[object, object]]:
        """What else decides how many cycles the same code takes."""
        before, now = self.raw["proved"], verdict.proved
        return {
            "clock": (before.get("clocks", []), list(now.clocks)),
            "setting of the caches": (before.get("caches", 0), now.caches),
            "placement in memory": (before.get("placement", {}), now.placement),
        }

    def _pairs(self, verdict: Verdict) -> Iterator[tuple[str, int, int]]:
        """(name, before, now) of everything that is held against each other."""
        now = verdict.as_json()
        counted = verdict.proved.cost_unit != "none"
        for name in STAGES if counted else ():
            if now["cost"][name] is not None:
                yield f"cost.{name}", self.raw["cost"][name], now["cost"][name]
        for before, after in zip(self.raw["layers"], now["layers"], strict=True):
            if counted:
                name = f"layer {after['index']} {after['op']}"
                yield name, before["instructions"], after["instructions"]
        for name in FOOTPRINT:
            yield f"footprint.{name}", self.raw["footprint"][name], now["footprint"][name]

    def _counted(self, *, has_frontend: bool) -> None:
        """On a board that counts, every cost must be there."""
        stages = STAGES if has_frontend else ("model",)
        lacking = [name for name in stages if self.raw["cost"][name] is None]
        lacking += [
            f"layer {layer['index']}"
            for layer in self.raw["layers"]
            if layer["instructions"] is None
        ]
        if lacking:
            raise self._refuse("has no cost", f"null for {', '.join(lacking[:_SHOWN])}")

    def _same(self, pairs: dict[str, tuple[object, object]]) -> None:
        others = {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
        if others:
            raise self._refuse(
                f"is of another {' and another '.join(others)}",
                "; ".join(
                    f"{name}: {_short(before)} in the baseline, {_short(now)} now"
                    for name, (before, now) in others.items()
                ),
            )

    def _refuse(self, what: str, received: str) -> BadInput:
        return BadInput(
            f"the baseline {what}: only like can be held against like",
            evidence=f"Received: {self.path}: {received}",
            next_step="give a baseline of the same model, board, compiler and vectors, or record a new one",
        )


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
