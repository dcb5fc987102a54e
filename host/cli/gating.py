"""The gates of a command: read before anything runs, judged on its verdict, against the baseline that there is."""

from dataclasses import dataclass, replace
from pathlib import Path

from host.boards.which import Which
from host.exit_codes import Exit
from host.history.written import called
from host.recording.recording import Recording
from host.recording.replay import gates as recorded_gates
from host.report.gates import Against, Gate, Judged, judged, parse_gate
from host.report.gates_file import GatesFile, read_gates
from host.report.regression import Baseline
from host.report.verdict import Verdict


@dataclass(frozen=True)
class Gating:
    """Gates, and what relative ones are held against.

    Attributes:
        against: a verdict that was given, or why there is none.
        store: the history whose last run of `branch` is the baseline where none was given; None: none.
        model, board: whose runs are looked for there.
    """

    gates: tuple[Gate, ...]
    against: Against
    store: str | None
    branch: str
    model: str
    board: str

    @classmethod
    def begin(
        cls,
        file: Path | None,
        texts: tuple[str, ...],
        *,
        at: Which,
        model: Path,
        store: str | None,
        baseline: Baseline | None,
    ) -> "Gating | None":
        """Read what was asked for; None where nothing was.

        Raises:
            BadInput: a gate, a file or its baseline cannot be used.
        """
        if file is None and not texts:
            return None
        found = GatesFile() if file is None else read_gates(file)
        gates = (*found.of(at.tier, at.name), *map(parse_gate, texts))
        against = Against()
        if baseline is not None:
            against = Against(baseline.raw)
        elif found.baseline is not None:
            assert file is not None
            against = Against(Baseline.read(file.parent / found.baseline).raw)
        elif not store:
            against = Against(None, "there is no baseline: neither --baseline nor --history")
        return cls(gates, against, store or None, found.branch, called(model), at.name)

    @classmethod
    def recorded(cls, recording: Recording) -> "Gating | None":
        """Those of a recorded session, with what they were held against then; None where there was none.

        Raises:
            BadInput: they are none.
        """
        found, against = recorded_gates(recording)
        return cls(found, against, None, "", "", "") if found else None

    def settled(self, verdict: Verdict) -> "Gating":
        """The same with the run of the history that a verdict is held against, if it is one.

        Raises:
            NightjarError: the history cannot be read.
        """
        if self.against.raw is None and self.store and any(gate.relative for gate in self.gates):
            return replace(self, against=self._last(verdict), store=None)
        return self

    def judge(self, verdict: Verdict) -> tuple[Judged, ...]:
        """What the gates say of it.

        Raises:
            NightjarError: the history cannot be read.
        """
        return tuple(judged(self.gates, verdict.as_json(), self.settled(verdict).against))

    def _last(self, verdict: Verdict) -> Against:
        """The last run of the branch that is of the same model, board and backend, and did not itself break a gate.

        One with changes that nobody committed is none that others could repeat.
        """
        from host.history.store import opened

        assert self.store is not None
        with opened(self.store, write=True) as store:  # which may be empty yet
            runs = store.runs(
                branch=self.branch,
                model=self.model,
                board=self.board,
                tier=verdict.tier or verdict.board,
                backend=verdict.backend,
                state="Exact",
                dirty=False,
            )
            good = [run for run in runs if run.exit_code != Exit.REGRESSION]
            if good:
                return Against(store.verdict(good[-1].id))
        return Against(
            None, f"the history has no clean, exact run of it on branch {self.branch} yet"
        )


def with_gates(verdict: Verdict, gating: Gating | None) -> Verdict:
    """The verdict with what its gates say; one that does not pass without them is held against none."""
    if gating is None or not verdict.passes:
        return verdict
    return replace(verdict, gates=gating.judge(verdict))
