"""Stale firmware, another model, a changed bundle: refused as identity in under 5 s, before any number is printed."""

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import host.compare.session as session
from host.boards import open_board
from host.bundle import load_subject
from host.cli import main
from host.compare.flip import copy_project
from host.compare.prove import prove
from host.compare.session import Session
from host.contract import Contract
from host.errors import IdentityFailure
from host.link.identity import elf_build_id

LIMIT = 5.0  # seconds


@pytest.fixture
def stale(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Make every flash put another ELF on the board, as a flasher that wrote nothing would leave it."""

    def use(elf: Path) -> None:
        @contextmanager
        def opened(*given: Any, **named: Any) -> Iterator[Any]:
            with open_board(*given, **named) as board:
                flash = board.flash
                monkeypatch.setattr(
                    board, "flash", lambda _, deadline: flash(elf, deadline), raising=False
                )
                yield board

        monkeypatch.setattr(session, "open_board", opened)

    return use


def refused(project: Any, subject: Any, tier: str, boards: Path, words: str) -> None:
    said: list[str] = []
    started = time.monotonic()
    with pytest.raises(IdentityFailure, match=words) as caught:
        prove(Session(project, subject, tier, 2, 0, root=boards), say=said.append)
    assert time.monotonic() - started < LIMIT
    assert said == []
    assert caught.value.exit_code == 15


def test_identity_of_stale_firmware(
    made: Any, model_path: Path, tier: str, boards: Path, tmp_path: Path, stale: Any
) -> None:
    subject, project = made(model_path, tier)
    rebuilt = copy_project(project, tmp_path / "rebuilt")
    # The newer build differs in its build-id; what the board still holds is the older one.
    data = rebuilt.elf.read_bytes()
    build_id = elf_build_id(project.elf)
    assert data.count(build_id) == 1
    rebuilt.elf.write_bytes(data.replace(build_id, bytes(reversed(build_id))))
    stale(project.elf)
    refused(rebuilt, subject, tier, boards, "build-id")


def test_identity_of_another_model_on_the_board(
    made: Any, model_path: Path, bundle_path: Path, tier: str, boards: Path, stale: Any
) -> None:
    subject, project = made(model_path, tier)
    stale(made(bundle_path, tier)[1].elf)
    refused(project, subject, tier, boards, "model")


def test_identity_of_another_model_in_the_project(
    made: Any, model_path: Path, tier: str, boards: Path, tmp_path: Path
) -> None:
    _, project = made(model_path, tier)
    other = tmp_path / "other.tflite"
    data = bytearray(model_path.read_bytes())
    data[data.index(b"nightjar test")] ^= 0x20  # another description: another file, as good a model
    other.write_bytes(data)
    refused(project, load_subject(other), tier, boards, "model")
    # Identity comes before what such a project lacks.
    part = replace(project.description, taps=project.description.taps[:2])
    refused(replace(project, description=part), load_subject(other), tier, boards, "model")


def test_identity_of_a_changed_contract(
    made: Any, bundle_path: Path, tier: str, boards: Path, tmp_path: Path
) -> None:
    _, project = made(bundle_path, tier)
    changed = tmp_path / "changed"
    shutil.copytree(bundle_path, changed)
    text = (changed / "model.json").read_text().replace('"wren"', '"robin"')
    (changed / "model.json").write_bytes(Contract.from_json(text.encode()).to_json())
    refused(project, load_subject(changed), tier, boards, "contract")


def test_identity_of_a_bundle_with_one_changed_byte(
    bundle_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a user sees it: exit 15, no verdict file, not even a stale one, the error as JSON."""
    changed, verdict = tmp_path / "changed", tmp_path / "verify.json"
    shutil.copytree(bundle_path, changed)
    data = bytearray((changed / "model.tflite").read_bytes())
    data[-30] ^= 1
    (changed / "model.tflite").write_bytes(data)
    verdict.write_text("{}")
    started = time.monotonic()
    with pytest.raises(SystemExit) as caught:
        main(["verify", str(changed), "--board", "native", "--json", str(verdict)])
    assert time.monotonic() - started < LIMIT
    assert caught.value.code == 15
    assert not verdict.exists()
    shown = capsys.readouterr()
    assert shown.out == ""
    assert json.loads(shown.err)["class"] == "IDENTITY"
