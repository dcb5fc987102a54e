"""A wrong record of the reference meets a board: a bundle's chunks, classify."""

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from host.bundle import load_subject
from host.cache import EXPECTATIONS
from host.compare.bench import Bench
from host.compare.prepare import prepare
from host.compare.prove import prove
from host.compare.session import Session
from host.errors import HostFailure
from host.listen.classify import Listener, Recording
from host.project import Project


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTJAR_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def project(bundle_path: Path, tmp_path: Path) -> Project:
    return prepare(bundle_path, "native", out=tmp_path / "out")[1]


def forge_scores() -> int:
    """Every record of an inference, whole, with its last score one step further."""
    forged = 0
    for entry in EXPECTATIONS.folder.entries():
        raw = EXPECTATIONS.read(entry.name)
        assert raw is not None
        record: dict[str, Any] = json.loads(raw)
        if "tensors" not in record:
            continue
        ((tensor, text),) = record["outputs"].items()
        scores = bytearray(base64.b64decode(text))
        scores[-1] ^= 1
        record["outputs"][tensor] = base64.b64encode(scores).decode()
        EXPECTATIONS.write(entry.name, json.dumps(record).encode())
        forged += 1
    return forged


def test_a_repeated_verdict_of_a_bundle_recalls_everything(
    project: Project, bundle_path: Path, tmp_path: Path, boards: Path
) -> None:
    subject = load_subject(bundle_path)
    first = prove(Session(project, subject, "native", 2, 0, root=boards))
    again = prepare(bundle_path, "native", out=tmp_path / "out")[1]
    with Bench(Session(again, subject, "native", 2, 0, root=boards)) as bench:
        for index in range(bench.total):
            bench.observation(index)
        second = bench.verdict()
        assert not bench.oracle.reference.opened
        assert bench.recalled == ("messages", "build", "expectations")
    assert first.exact
    assert second.exact
    assert second.layers == first.layers
    assert second.reference == first.reference


def test_a_wrong_record_is_no_difference_of_a_chunk(
    project: Project, bundle_path: Path, boards: Path
) -> None:
    """Its scores are held against the bundle's, too, which are right."""
    subject = load_subject(bundle_path)
    session = Session(project, subject, "native", 2, 0, root=boards)
    first = prove(session)
    assert forge_scores() == 4
    assert prove(session).layers == first.layers


def test_a_bundle_whose_scores_are_not_the_references_is_refused_all_the_same(
    project: Project, bundle_path: Path, boards: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = load_subject(bundle_path)
    own = subject.vectors()
    assert own is not None
    session = Session(project, subject, "native", 0, 0, root=boards)
    prove(session)
    scores = own.scores.copy()
    scores[0, -1] ^= 1
    wrong = replace(own, scores=scores)
    monkeypatch.setattr(type(subject), "vectors", lambda self: wrong)
    with pytest.raises(HostFailure, match="scores recorded in the bundle"):
        prove(session)


def test_classify_says_nothing_of_a_wrong_record(
    project: Project, bundle_path: Path, boards: Path
) -> None:
    subject = load_subject(bundle_path)
    samples = np.random.default_rng(3).integers(-9000, 9000, 6000).astype(np.int16)
    recording = Recording(Path("noise.wav"), samples)

    def heard() -> Any:
        listener = Listener(subject, overlap=0.0, how="max", top_k=3)
        with Bench(Session(project, subject, "native", 0, 0, root=boards)) as bench:
            return listener.listen(recording, bench.infer)

    first = heard()
    assert first.differing == 0
    assert forge_scores() == first.chunks
    assert heard() == first
