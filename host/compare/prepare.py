"""From a model to a built project: what verify, hil, classify and bench do first."""

from dataclasses import replace
from pathlib import Path

from host.backends import NEURAL_ART
from host.boards.tiers import require_runs, tier_of
from host.bundle import Subject, load_subject
from host.contract import Contract
from host.deadline import Deadline
from host.elf_record import check_recorded
from host.errors import BadInput, IdentityFailure
from host.files import sha256_file
from host.listen.rule import Options, Rule, make_rule
from host.owned import LIST, alone_in, listed
from host.project import DESCRIPTION, Project, check_streams, load_project
from host.reference.kept import KeptReference

BUILD = 300.0  # seconds for cmake and ninja on a busy machine
HOME = Path("build/subjects")


def default_folder(
    subject: Subject,
    board: str,
    rounding: str = "tflite",
    *,
    stream: bool = False,
    application: bool = False,
    optimize: str | None = None,
) -> Path:
    """Where a subject's firmware is made when nobody says where: one folder a model, contract, board, rule and kind."""
    rule = "" if rounding == "tflite" else f"-{rounding}"
    rule += "" if optimize in (None, "speed") else f"-{optimize}"
    kind = "-application" if application else "-stream" if stream else ""
    return HOME / f"{subject.model_sha256[:12]}-{subject.contract_sha256[:8]}-{board}{rule}{kind}"


def prepare(
    model: Path,
    board: str,
    *,
    rounding: str | None = "tflite",
    stream: bool = False,
    application: Options | None = None,
    project: Path | None = None,
    out: Path | None = None,
    limit: Deadline | None = None,
    force: bool = False,
    optimize: str | None = None,
) -> tuple[Subject, Project]:
    """Load a bundle or .tflite and make its firmware, or take the ELF of `project` as it lies there.

    Args:
        rounding: whose rules, "tflite" or "tflm"; None is what `project` has, or else "tflite". A project around a
            generated network has those of its compiler, and "tflite", which nobody has to give, asks for none.
        stream: the firmware must take samples as they arrive, too.
        application: it must have an application mode, with detections of these options where it is made.
        out: the project is written to out / "firmware".
        limit: a deadline over everything.
        force: whether a project is replaced even where somebody has changed it.
        optimize: what for, "speed" or "flash"; None is what `project` has, or else "speed".

    Raises:
        BadInput: the model, the project or the board cannot be used, or the rules' own judge cannot run the model.
        IdentityFailure: the ELF is not the one that was linked, or nightjar.json not the one that was generated.
        HostFailure: the compiler failed, or the rules' judge is not installed.
    """
    tier_of(board)
    subject = load_subject(model)
    if project is not None:
        taken = load_project(project)
        if not taken.elf.is_file():
            raise BadInput(
                "the project holds no ELF to judge",
                evidence=f"Received: {project} without {taken.elf.relative_to(project)}",
                next_step="build it with `cmake -G Ninja -S . -B build && cmake --build build`",
            )
        _require_description(taken)
        require_runs(board, taken.description.board)
        rules = taken.description.rules
        if rounding not in (None, rules) and not (rules == NEURAL_ART and rounding == "tflite"):
            raise BadInput(
                "the project was generated with other rounding rules",
                evidence=f"Received: --rounding {rounding}, a project of {rules}",
                next_step="leave --rounding out"
                if rules == NEURAL_ART
                else f"use --rounding {rules}",
            )
        if optimize not in (None, taken.description.optimize):
            raise BadInput(
                "the project was generated for another purpose",
                evidence=f"Received: --optimize {optimize}, a project for {taken.description.optimize}",
                next_step="leave --optimize out",
            )
        check_streams(taken, stream)
        if application is not None:
            _require_contract(subject)
        if application is not None and taken.description.application is None:
            raise BadInput(
                "the firmware of this project has no application mode",
                evidence=f"Received: {project}, which was generated without",
                next_step="make it again with `nightjar build BUNDLE --application`",
            )
        check_recorded(taken.elf)
        return subject, taken
    from host.build import build
    from model_gen.codegen.project.generate import generate

    rounding = rounding or "tflite"
    rule = None if application is None else application_rule(subject, application)
    folder = out
    if folder is None:
        listens = application is not None
        folder = default_folder(
            subject, board, rounding, stream=stream, application=listens, optimize=optimize
        )
    patience = Deadline.after(BUILD) if limit is None else limit.at_most(BUILD)
    with alone_in(folder, patience):
        kind = tier_of(board).runs[0]
        made = generate(
            subject,
            kind,
            folder / "firmware",
            rounding=rounding,
            stream=stream,
            application=rule,
            force=force,
            optimize=optimize or "speed",
        )
        if rounding == "tflm":
            _ = KeptReference(subject.model, rounding).ports  # its judge may refuse: before a build
        if build(made, patience):
            made = replace(made, recalled=(*made.recalled, "build"))
    return subject, made


def application_rule(subject: Subject, options: Options) -> Rule:
    """What is a detection, for a bundle.

    Raises:
        BadInput: it is no bundle, or its model or the options make no detections.
    """
    return make_rule(_require_contract(subject), options)


def _require_description(project: Project) -> None:
    """Refuse a nightjar.json that is not the one the firmware was generated with.

    What a detection is, and which questions apply, nobody can ask the firmware. A folder that came without its list
    says nothing of that: the tensors must.

    Raises:
        IdentityFailure: it was changed, or the list does not name it or cannot be read.
    """
    folder = listed(project.path)
    if folder is None and not (project.path / LIST).exists():
        return
    written = None if folder is None else folder.files.get(DESCRIPTION)
    found = sha256_file(project.path / DESCRIPTION)
    if written is None or found != written.sha256:
        said = "nothing of it" if written is None else written.sha256
        raise IdentityFailure(
            f"{DESCRIPTION} was changed since its firmware was made: it decides what is asked and what is expected",
            evidence=f"Received: {project.path} with one of SHA-256 {found}; {LIST} says {said}",
            next_step=f"restore {DESCRIPTION}, or make the project again with `nightjar build BUNDLE`",
        )


def _require_contract(subject: Subject) -> Contract:
    if subject.contract is None:
        raise BadInput(
            "only a bundle can listen: a bare .tflite says neither how sound becomes its input nor its labels",
            evidence="Received: a .tflite",
            next_step="make a bundle with `nightjar quantize`",
        )
    return subject.contract
