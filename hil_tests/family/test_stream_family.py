"""Streams of samples in firmware, for members of every kind of frontend, on every tier without hardware: 0 differing
bytes; and firmware that keeps its ring wrongly is found. Needs no --bundle."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from hil_tests.family.members import write_member
from host.build import build
from host.bundle import Subject
from host.cli import main
from host.compare.bench import Bench
from host.compare.prepare import prepare
from host.compare.session import Session
from host.deadline import Deadline
from host.listen.feed import feeds
from host.project import Project
from host.reference.frontend_cases import hard_chunks
from host.reference.frontend_members import MEMBERS, SAMPLES
from host.reference.frontend_stages import recorded_signal

pytestmark = pytest.mark.slow

STREAMED = (
    *("default", "n128-nyquist", "n1024-power", "mel-log", "mfcc", "fixed-root", "pcen"),
    *("minmax-high-rows", "dc-percentile-mel-root"),
)
# Share of a chunk from one to the next: most frames shared, some, none with a gap.
STRIDES = (0.1, 0.5, 1.3)
CHUNKS = 6
# What core/frontend/nj_stream.c does to go on to the next chunk, and what it is made to do instead.
FAULTS = {
    "the ring stays": ("(stream->column + hops % frames)", "(stream->column + 0u * hops)"),
    "the samples stay": ("(stream->start + stream->stride % size)", "(stream->start + 0u * size)"),
    "no new frames": ("stream->next = end > first + hops ? end - hops : first", "stream->next = end"),
}  # fmt: skip


def recording() -> npt.NDArray[np.int16]:
    """Noise, an impulse, square waves and silence, several chunks long."""
    known = hard_chunks(SAMPLES)
    cases = ("noise", "impulse of -32768 at 5999", "square", "silence", "noise")
    return np.concatenate([recorded_signal(), *(known[case] for case in cases)])


def differences(
    project: Project, subject: Subject, tier: str, share: float
) -> Iterator[str | None]:
    """How each chunk of a stream differs from the reference, None where it does not."""
    assert subject.contract is not None
    hop = subject.contract.frontend.hop
    stride = hop * max(1, round(share * SAMPLES / hop))
    samples = recording()
    starts = range(0, min(len(samples) - SAMPLES + 1, CHUNKS * stride), stride)
    generator = np.random.default_rng(stride)
    with Bench(Session(project, subject, tier, vectors=0, seed=0)) as bench:
        for number, feed in enumerate(feeds(samples, starts, SAMPLES, stride)):
            observation = bench.observe_feed(number, feed.in_blocks(generator))
            places = [finding.place for finding in observation.findings]
            yield bench.describe(observation, min(places)) if places else None


@pytest.mark.parametrize("member", STREAMED)
def test_every_chunk_of_a_stream_is_exact(tier: str, member: str, tmp_path: Path) -> None:
    """Features, model input and every tensor, in all modes."""
    bundle = write_member(member, tmp_path)
    subject, project = prepare(bundle, tier, stream=True, out=tmp_path / "project")
    for share in STRIDES:
        found = list(differences(project, subject, tier, share))
        assert len(found) >= 3
        assert found == [None] * len(found)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_ring_that_does_not_go_on_is_found(tier: str, fault: str, tmp_path: Path) -> None:
    """The first chunk is right, as it would be with a test of one chunk; a later one is not."""
    bundle = write_member("default", tmp_path)
    subject, project = prepare(bundle, tier, stream=True, out=tmp_path / "project")
    source = project.path / "core" / "frontend" / "nj_stream.c"
    right, wrong = FAULTS[fault]
    assert source.read_text().count(right) == 1
    source.write_text(source.read_text().replace(right, wrong))
    build(project, Deadline.after(120))
    found = list(differences(project, subject, tier, 0.1))
    assert found[0] is None
    assert any(line is not None and "FRONTEND" in line for line in found[1:])


def classify(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    with pytest.raises(SystemExit) as ended:
        main(["classify", *map(str, arguments), "--board", "native", "--json", "-"])
    assert ended.value.code == 0
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
def test_classify_gives_the_same_with_and_without_a_stream(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = write_member("default", tmp_path)
    frontend = MEMBERS["default"]
    soundfile.write(tmp_path / "a.wav", recording(), frontend.sample_rate, subtype="PCM_16")
    monkeypatch.chdir(tmp_path)
    streamed = classify(capsys, bundle, "a.wav", "--stream")
    stride = 13 * frontend.hop  # the nearest to half a chunk
    assert streamed["stride_samples"] == stride
    assert streamed["overlap"] == 1 - stride / SAMPLES
    whole = classify(capsys, bundle, "a.wav", "--overlap", streamed["overlap"])
    assert whole["stride_samples"] == 0
    ways = [[cost["way"] for cost in r["files"][0]["costs"]] for r in (streamed, whole)]
    count = len(ways[1])
    assert ways == [["first", *["next"] * (count - 2), "whole"], ["whole"] * count]
    for key in ("host", "board", "chunks"):
        assert streamed["files"][0][key] == whole["files"][0][key]
