"""Whether verdicts go into a history, and into which; asked before a command begins, done when it ends."""

from dataclasses import dataclass
from pathlib import Path

from host.history.commit import Commit, commit_of
from host.history.run import Place
from host.report.verdict import Verdict


def called(model: Path) -> str:
    """What a model is called in a history: its file or folder; `bundle`, as most folders are, says too little."""
    place = model.resolve()
    return f"{place.parent.name}/{place.name}" if place.name == "bundle" else place.name


@dataclass(frozen=True)
class Keeping:
    """Where the verdict of a command goes, and what it is of; the commit is the one at the command's begin."""

    store: str
    commit: Commit

    @classmethod
    def begin(cls, store: str | None) -> "Keeping | None":
        """Look at the store before anything runs; None where nobody asked for one.

        Raises:
            NightjarError: it cannot be written, and why.
        """
        if not store:
            return None
        from host.history.store import opened

        with opened(store, write=True):
            pass
        return cls(store, commit_of(Path.cwd()))

    def keep(self, verdict: Verdict, model: Path, board: str) -> str:
        """Append a verdict; a line for people.

        Raises:
            NightjarError: it cannot be written; nothing of it is in the store.
        """
        from host.history.store import opened

        with opened(self.store, write=True) as store:
            number = store.add(verdict.as_json(), Place(self.commit, called(model), board))
        return f"history: run {number} in {store.address.shown}"
