"""Identity: what HELLO says against the ELF, the project and the bundle."""

from dataclasses import replace
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from host.bundle import Subject
from host.errors import BadInput, HostFailure, IdentityFailure
from host.files import sha256_bytes
from host.link.identity import (
    Expected,
    check_hello,
    check_identity,
    check_project,
    check_tables,
    elf_build_id,
)
from host.link.image import image_crc
from host.link.messages import PROTOCOL, Hello
from host.link.testing_firmware import build_firmware, can_build
from host.project import Project, ProjectDescription

needs_compiler = pytest.mark.skipif(not can_build("native"), reason="gcc is not installed")
MODEL, CONTRACT = b"a model", b"{}"
HELLO = Hello(
    protocol=PROTOCOL,
    nonce=1,
    boot=1,
    build_id=bytes(20),
    image=0x00C0FFEE,
    model=bytes.fromhex(sha256_bytes(MODEL)),
    contract=bytes.fromhex(sha256_bytes(CONTRACT)),
    board="native",
    compiler="gcc",
    backend="cm55",
    rounding="",
    cost_unit="none",
    reset_cause=0,
    chunk_samples=0,
    feature_bytes=0,
    inputs=1,
    outputs=1,
    taps=1,
    steps=1,
    uid=b"",
    clocks=(),
    overruns=0,
    caches=0,
)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project whose ELF is the tiny firmware's, as if made from MODEL and CONTRACT."""
    description = ProjectDescription(
        board="native",
        backend="cm55",
        model_sha256=sha256_bytes(MODEL),
        contract_sha256=sha256_bytes(CONTRACT),
        rounding={},
        arena_bytes=0,
        steps=1,
        inputs=(),
        outputs=(),
        taps=(),
    )
    made = Project(tmp_path, description)
    made.elf.parent.mkdir()
    made.elf.write_bytes(build_firmware("tiny", "native").read_bytes())
    return made


def said_by(project: Project) -> Hello:
    """What the project's firmware says of itself, if it is whole."""
    return replace(HELLO, build_id=elf_build_id(project.elf), image=image_crc(project.elf))


def _subject(model: bytes = MODEL, contract: bytes = CONTRACT) -> Subject:
    return Subject(Path("bundle"), model, contract)


@needs_compiler
def test_identity_holds(project: Project) -> None:
    hello = said_by(project)
    assert len(hello.build_id) == 20
    check_identity(hello, project, _subject())


@needs_compiler
def test_identity_of_stale_firmware_is_refused(project: Project) -> None:
    with pytest.raises(IdentityFailure, match="build-id, image CRC differ") as failure:
        check_identity(HELLO, project, _subject())
    assert elf_build_id(project.elf).hex() in failure.value.evidence
    assert "00" * 20 in failure.value.evidence
    assert failure.value.exit_code == 15


@needs_compiler
def test_the_build_id_is_blind_to_a_flipped_bit_and_the_image_is_not(project: Project) -> None:
    hello = said_by(project)
    with project.elf.open("rb") as stream:
        code = ELFFile(stream).get_section_by_name(".engine_text")
    data = bytearray(project.elf.read_bytes())
    data[code["sh_offset"] + code["sh_size"] // 2] ^= 1
    project.elf.write_bytes(data)
    assert elf_build_id(project.elf) == hello.build_id
    with pytest.raises(IdentityFailure, match="image CRC differ") as failure:
        check_identity(hello, project, _subject())
    assert f"board {hello.image:08x}, wanted {image_crc(project.elf):08x}" in failure.value.evidence


@needs_compiler
@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"model": bytes(32)}, "model differ"),
        ({"contract": bytes(32)}, "contract differ"),
        ({"board": "virtual"}, "kind of board differ"),
        ({"model": bytes(32), "contract": bytes(32)}, "model, contract differ"),
        ({"image": 0}, "image CRC differ"),
        ({"protocol": PROTOCOL + 1}, "different versions of the protocol: the host is older"),
        ({"protocol": 0}, "different versions of the protocol: the board is older"),
    ],
    ids=str,
)
def test_identity_names_what_differs(
    project: Project, changed: dict[str, bytes], named: str
) -> None:
    hello = said_by(project)
    with pytest.raises(IdentityFailure, match=named):
        check_identity(replace(hello, **changed), project, _subject())  # type: ignore[arg-type]


@needs_compiler
def test_identity_of_a_project_made_from_another_model(project: Project) -> None:
    hello = said_by(project)
    for subject, named in (
        (_subject(model=b"another"), "another model"),
        (_subject(contract=b"{} "), "another contract"),
        (_subject(b"another", b"{} "), "another model and contract"),
    ):
        with pytest.raises(IdentityFailure, match=named):
            check_identity(hello, project, subject)
        with pytest.raises(IdentityFailure, match=named):
            check_project(project, subject)


def test_firmware_of_another_backend_or_table_is_not_the_projects(tmp_path: Path) -> None:
    described = ProjectDescription("native", "neural_art", "", "", {}, 0, 1, (), (), ())
    project = Project(tmp_path, described)
    with pytest.raises(IdentityFailure, match="another backend") as caught:
        check_tables(replace(HELLO, taps=0), project)
    assert caught.value.evidence == "it says cm55; nightjar.json neural_art"
    check_tables(replace(HELLO, taps=0, backend="neural_art"), project)
    with pytest.raises(IdentityFailure, match="table of taps"):
        check_tables(replace(HELLO, backend="neural_art"), project)


def test_identity_checks_only_what_is_expected() -> None:
    check_hello(HELLO, Expected())
    check_hello(HELLO, Expected(board="native", build_id=bytes(20)))


def test_an_elf_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(HostFailure, match="has not been built"):
        elf_build_id(tmp_path / "absent.elf")
    (tmp_path / "text.elf").write_text("no ELF at all")
    with pytest.raises(BadInput, match="is no ELF file"):
        elf_build_id(tmp_path / "text.elf")
