"""Is this the firmware that was asked for? Checked before any number is read."""

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import NoteSection

from host.bundle import Subject
from host.errors import BadInput, HostFailure, IdentityFailure
from host.link.image import image_crc
from host.link.messages import PROTOCOL, Hello
from host.link.version import other_version
from host.made_once import by_content
from host.project import Project


def elf_build_id(elf: Path) -> bytes:
    """The GNU build-id of an ELF.

    Raises:
        HostFailure: there is no such file.
        BadInput: it is no ELF, or has no build-id.
    """
    try:
        found = _build_id(elf.read_bytes())
    except FileNotFoundError as error:
        raise HostFailure(
            f"the firmware {elf} has not been built",
            next_step="build it with `nightjar build`",
        ) from error
    except ELFError as error:
        raise BadInput(
            f"{elf} is no ELF file",
            evidence=f"Received: {error}",
            next_step="build the firmware again with `nightjar build`",
        ) from error
    if found is None:
        raise BadInput(
            f"{elf} has no GNU build-id",
            next_step="link it with -Wl,--build-id=sha1, as Nightjar's projects do",
        )
    return found


@by_content(32)
def _build_id(elf: bytes) -> bytes | None:
    for section in ELFFile(BytesIO(elf)).iter_sections():
        if isinstance(section, NoteSection):
            for note in section.iter_notes():
                if note["n_type"] == "NT_GNU_BUILD_ID":
                    return bytes.fromhex(note["n_desc"])
    return None


@dataclass(frozen=True)
class Expected:
    """What HELLO must say. A hash that is None is not checked."""

    build_id: bytes | None = None
    image: int | None = None
    model_sha256: str | None = None
    contract_sha256: str | None = None
    board: str | None = None


def check_hello(hello: Hello, expected: Expected) -> None:
    """Compare HELLO with what was asked for.

    Raises:
        IdentityFailure: naming everything that differs, with both values.
    """
    if hello.protocol != PROTOCOL:
        raise other_version("protocol", hello.protocol, PROTOCOL)
    image = expected.image
    pairs = [
        ("build-id", hello.build_id.hex(), expected.build_id and expected.build_id.hex()),
        ("image CRC", f"{hello.image:08x}", None if image is None else f"{image:08x}"),
        ("model", hello.model.hex(), expected.model_sha256),
        ("contract", hello.contract.hex(), expected.contract_sha256),
        ("kind of board", hello.board, expected.board),
    ]
    wrong = [(name, got, want) for name, got, want in pairs if want is not None and got != want]
    if wrong:
        raise IdentityFailure(
            f"the board runs other firmware than asked for: {', '.join(n for n, _, _ in wrong)} differ",
            evidence="; ".join(f"{n}: board {got}, wanted {want}" for n, got, want in wrong),
            next_step="flash the firmware with `nightjar flash`, then run again",
        )


def check_identity(hello: Hello, project: Project, subject: Subject | None = None) -> None:
    """Prove that the project's ELF answers, and that it was made from `subject`.

    Raises:
        IdentityFailure: build-id, image, model, contract or protocol differ; both values are in the
            evidence.
        BadInput, HostFailure: the project's ELF cannot be read.
    """
    if subject is not None:
        check_project(project, subject)
    check_hello(
        hello,
        Expected(
            build_id=elf_build_id(project.elf),
            image=image_crc(project.elf),
            model_sha256=project.description.model_sha256,
            contract_sha256=project.description.contract_sha256,
            board=project.description.board,
        ),
    )


def check_project(project: Project, subject: Subject) -> None:
    """Prove that a project was made from `subject`.

    Raises:
        IdentityFailure: model or contract differ, or what it says of detections cannot be the contract's.
    """
    pairs = [
        ("model", project.description.model_sha256, subject.model_sha256),
        ("contract", project.description.contract_sha256, subject.contract_sha256),
    ]
    wrong = [(name, got, want) for name, got, want in pairs if got != want]
    if wrong:
        raise IdentityFailure(
            f"the firmware project was made from another {' and '.join(n for n, _, _ in wrong)}",
            evidence="; ".join(f"{n}: project {got}, given {want}" for n, got, want in wrong),
            next_step=f"generate the project again: `nightjar generate {subject.path}`",
        )
    rule = project.description.application
    contract = None if rule is None else subject.contract
    if rule is not None and contract is not None and (strange := rule.strange(contract)):
        raise IdentityFailure(
            "nightjar.json says detections that no firmware of this bundle makes",
            evidence=f"Received: {strange}",
            next_step=f"build the project again: `nightjar build {subject.path} --application`",
        )


def check_tables(hello: Hello, project: Project) -> None:
    """The firmware's tap table and steps must be as many as `nightjar.json` says, and its backend that one.

    Raises:
        IdentityFailure: they are not.
    """
    if hello.backend != project.description.backend:
        raise IdentityFailure(
            "the firmware is of another backend than its project: it would be judged by what it is not",
            evidence=f"it says {hello.backend}; nightjar.json {project.description.backend}",
            next_step="build the project again with `nightjar build`",
        )
    taps = len({tap.slot for tap in project.description.taps if tap.observed})
    if (hello.taps, hello.steps) != (taps, project.description.steps):
        raise IdentityFailure(
            "the firmware's table of taps is not the project's",
            evidence=f"it says {hello.taps} taps and {hello.steps} steps; nightjar.json {taps} and"
            f" {project.description.steps}",
            next_step="build the project again with `nightjar build`",
        )


def check_unit(hello: Hello, unit: str) -> None:
    """The firmware must count what its kind of board counts: else costs would be left out in silence.

    Raises:
        IdentityFailure: it says that it counts something else.
    """
    if hello.cost_unit != unit:
        raise IdentityFailure(
            "the firmware counts in another unit than its board",
            evidence=f"it says {hello.cost_unit!r}, the board counts {unit!r}",
            next_step="flash firmware that was generated by this version of nightjar",
        )
