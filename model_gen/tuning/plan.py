"""What a search is of: the options for all trials, the space, and where everything lies."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from host.errors import BadInput
from model_gen.training.options import TrainOptions
from model_gen.training.presets import options_of
from model_gen.tuning.space import Space
from model_gen.tuning.storage import located

# Options of the search itself: no trial is told them.
OF_SEARCH = (
    *("tune", "n_trials", "storage", "study", "objective", "budget_macs", "pareto", "pruner"),
)
STUDY_FILE = "study.db"
MOST_NAME = 60  # characters of a study's name: of a folder's there are 255 bytes


@dataclass(frozen=True)
class Plan:
    """A search as it was asked for.

    `options` are the preset's with what was told, `tune` and its companions among them.
    """

    options: TrainOptions
    space: Space

    @classmethod
    def of(cls, preset: str, given: dict[str, Any]) -> "Plan":
        """That of a command's options; None and () stand for what was not given.

        Raises:
            BadInput: they make no search.
        """
        told = {key: value for key, value in given.items() if value not in (None, ())}
        options = options_of(preset, told)
        fixed = {key: value for key, value in told.items() if key not in OF_SEARCH}
        plan = cls(options, Space.of(preset, fixed))
        if not re.fullmatch(r"[\w.-]*\w[\w.-]*", plan.study) or len(plan.study) > MOST_NAME:
            whose = "" if options.study else ", the name of --checkpoint-path"
            raise BadInput(
                "--study must be letters, digits, '_', '-' and '.', "
                f"at most {MOST_NAME} of them: it names a folder, too",
                evidence=f"Received: {plan.study!r}{whose}",
                next_step="for example --study birds-1",
            )
        if not plan.space.rows:
            raise BadInput(
                "--tune needs an option that is left to it",
                evidence="Received: a value for each option that has a search range",
                next_step="leave at least one of them out: docs/training-options.md has the ranges",
            )
        return plan

    @property
    def study(self) -> str:
        """The name of the study."""
        return self.options.study or self.options.checkpoint_path.stem

    @property
    def folder(self) -> Path:
        """What this computer keeps of the study: a folder a trial."""
        checkpoint = self.options.checkpoint_path
        return checkpoint.with_name(f"{checkpoint.stem}_tuning") / self.study

    @property
    def report(self) -> Path:
        """Where the report lies, without its ending; a study with a name of its own has its own."""
        checkpoint, own = self.options.checkpoint_path, self.study
        name = f"{checkpoint.stem}_tuning"
        return checkpoint.with_name(name if own == checkpoint.stem else f"{name}_{own}")

    @property
    def storage(self) -> str:
        """The URL of its store."""
        return self.options.storage or f"sqlite:///{self.folder / STUDY_FILE}"

    def held(self, number: int) -> Path:
        """What a process holds while it carries out a trial, wherever its own checkpoints lie; no file."""
        return Path("/nightjar/study") / located(self.storage) / self.study / str(number)

    def checkpoint(self, number: int) -> Path:
        """Where a trial trains."""
        return self.folder / f"{number:04d}" / self.options.checkpoint_path.name

    def trial_options(self, number: int, drawn: dict[str, Any], *, resume: bool) -> TrainOptions:
        """The options of a trial; `resume`: it goes on where it was broken off.

        Raises:
            BadInput: what was drawn does not go together.
        """
        board = self.options.tensorboard
        return options_of(
            self.space.preset,
            {
                **self.space.told,
                **drawn,
                "checkpoint_path": self.checkpoint(number),
                "tensorboard": None if board is None else board / f"{number:04d}",
                "resume": resume,
                "overwrite": not resume,
            },
        )
