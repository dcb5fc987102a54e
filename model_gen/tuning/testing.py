"""A study whose trials cost nothing, for tests; as a program, one of the processes that share it.

`python -m model_gen.tuning.testing URL FOLDER TRIALS PAUSE` prints the numbers that it carried out.
"""

import sys
import time
from pathlib import Path
from typing import Any

from model_gen.tuning.outcome import COMPLETE, Outcome
from model_gen.tuning.plan import Plan
from model_gen.tuning.study import open_study
from model_gen.tuning.work import work

OF = {"schema": "a test's"}


def plan_in(folder: Path, **more: Any) -> Plan:
    """A search whose checkpoint would lie in a folder."""
    given = {"data_path_train": folder, "checkpoint_path": folder / "m.keras", "tune": True}
    store = {"storage": f"journal:///{folder}/study.log"}
    return Plan.of("release", {**given, **store, **more})


def worth(drawn: dict[str, Any]) -> float:
    """What a trial would be worth: highest at alpha 1 and a learning rate of 0.001."""
    rate = drawn.get("learning_rate", 1e-3)
    return float(1 - abs(drawn["alpha"] - 1) - abs(rate - 1e-3) + 0.1 * drawn["se"])


def search(plan: Plan, most: int, pause: float = 0.0) -> tuple[Any, list[int]]:
    """The study with its trials, and the numbers of those that were carried out here."""
    study, mine = open_study(plan, OF), []

    def carry(trial: Any) -> Outcome:
        drawn = plan.space.draw(trial, only=plan.space.defaults if trial.number == 0 else None)
        time.sleep(pause)
        mine.append(trial.number)
        return Outcome(COMPLETE, (worth(drawn),))

    work(study, most, plan.held, carry)
    return study, mine


if __name__ == "__main__":
    url, folder, most, pause = sys.argv[1:]
    _, done = search(plan_in(Path(folder), storage=url), int(most), float(pause))
    print(*done)
