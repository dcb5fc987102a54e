"""The teacher that --teacher names, looked at before a recording is decoded, and heard before the first step."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from host.errors import BadInput
from host.files import sha256_file
from host.places import check_files
from model_gen.data.dataset import Recording
from model_gen.models.checkpoint import beside
from model_gen.progress import line
from model_gen.teaching.files import is_scores, read_scores
from model_gen.teaching.match import Taught, covered
from model_gen.teaching.scores import Scores
from model_gen.teaching.teach import TeachOptions, hear_all
from model_gen.teaching.teacher import Teacher
from model_gen.training.options import TrainOptions

SCORES = "teacher.npz"  # beside the checkpoint: what a model that teaches says


@dataclass(frozen=True)
class NamedTeacher:
    """Scores that a file has, or a model that makes them."""

    options: TrainOptions
    labels: tuple[str, ...]  # the student's
    of: Scores | Teacher

    @cached_property
    def sha256(self) -> str:
        """Of the file of scores, or of all that decides what a model says."""
        named = self.options.teacher
        assert named is not None
        return self.of.identity if isinstance(self.of, Teacher) else sha256_file(named)

    def taught(self, recordings: Sequence[Recording]) -> Taught:
        """What it says of the recordings that train; a model hears them now.

        Raises:
            BadInput: nothing of any of them.
        """
        options, scores = self.options, self.of
        if isinstance(scores, Teacher):
            made = hear_all(scores, recordings, self._pass(scores)).scores
            assert made is not None  # it is one share of one
            scores = made
        found = Taught(scores, self.labels, options.class_activation, recordings)
        line(f"the teacher says something of {found.recordings} of {len(recordings)} recordings")
        return found

    def _pass(self, teacher: Teacher) -> TeachOptions:
        options = self.options
        return TeachOptions(
            model=options.teacher or Path(),
            data_path=options.data_path_train,
            out=beside(options.checkpoint_path, SCORES),
            max_duration=options.max_duration,
            num_workers=options.num_workers,
            cache_dir=options.cache_dir,
            force=True,
        )


def teacher_of(options: TrainOptions, labels: Sequence[str]) -> NamedTeacher | None:
    """The teacher of a run; None where there is none. No recording is opened.

    Raises:
        BadInput: it is unusable, or knows none of the classes.
    """
    if options.teacher is None:
        if options.teacher_config is not None:
            raise BadInput(
                "--teacher-config needs --teacher, which it is of",
                evidence=f"Received: --teacher-config {options.teacher_config} alone",
                next_step="give --teacher FILE, or leave --teacher-config out",
            )
        return None
    of: Scores | Teacher
    if is_scores(options.teacher):
        if options.teacher_config is not None:
            raise BadInput(
                "--teacher-config is of a model; scores say themselves what they are",
                evidence=f"Received: --teacher {options.teacher}",
                next_step="leave --teacher-config out",
            )
        of = read_scores(options.teacher)
    else:
        check_files("--checkpoint-path", [beside(options.checkpoint_path, SCORES)])
        of = Teacher(
            options.teacher,
            options.teacher_config,
            embedding=options.embedding_weight > 0,
        )
    known = covered(of.labels, labels)
    if len(known) < len(labels):
        missing = [label for label in labels if label not in known]
        line(f"the teacher does not know {', '.join(missing)}: labels alone teach these")
    return NamedTeacher(options, tuple(labels), of)
