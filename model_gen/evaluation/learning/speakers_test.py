import re
from pathlib import Path

import numpy as np
import pytest
import soundfile

from host.errors import BadInput
from model_gen.evaluation.learning.speakers import (
    SPEAKER,
    digest_of,
    fold_of,
    read_clips,
    speakers_of,
)
from model_gen.evaluation.learning.testing import LABELS, SPEAKERS, write_clips


def test_clips_are_read_with_class_and_speaker(tmp_path: Path) -> None:
    root = write_clips(tmp_path / "data")
    (root / "README.md").write_text("no clip")
    clips = read_clips(root)
    assert len(clips) == 4 * len(LABELS) * len(SPEAKERS)
    assert speakers_of(clips) == SPEAKERS
    for clip in clips:
        label, name = clip.relative.split("/")
        assert (clip.label, clip.speaker) == (label, name.split("_")[0])
        pcm, _ = soundfile.read(root / clip.relative, dtype="int16")
        np.testing.assert_array_equal(clip.pcm, pcm)
        found = re.search(SPEAKER, clip.relative)  # as --group-by of training looks for it
        assert found is not None
        assert found[1] == clip.speaker


def test_each_speaker_tests_and_the_next_one_validates() -> None:
    everybody = ("dora", "ada", "cy", "bo")
    folds = [fold_of(everybody, name) for name in sorted(everybody)]
    assert [(f.test, f.val) for f in folds] == [
        ("ada", "bo"),
        ("bo", "cy"),
        ("cy", "dora"),
        ("dora", "ada"),
    ]
    for fold in folds:
        assert sorted((fold.test, fold.val, *fold.train)) == sorted(everybody)
    with pytest.raises(BadInput, match="ada, bo, cy, dora"):
        fold_of(everybody, "bob")


def test_what_cannot_be_measured_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is not a folder"):
        read_clips(tmp_path / "none")
    with pytest.raises(BadInput, match="at least 3 speakers") as caught:
        read_clips(write_clips(tmp_path / "two", speakers=("ada", "bo")))
    assert "ada, bo" in caught.value.evidence
    root = write_clips(tmp_path / "data")
    soundfile.write(root / "low" / "ada_9.wav", np.zeros(100), 16000)
    with pytest.raises(BadInput, match="mono WAV clips of 8000 Hz"):
        read_clips(root)
    (root / "low" / "ada_9.wav").write_bytes(b"no sound")
    with pytest.raises(BadInput, match="mono WAV clips of 8000 Hz"):
        read_clips(root)


def test_the_digest_is_of_paths_and_samples(tmp_path: Path) -> None:
    root = write_clips(tmp_path / "data")
    before = digest_of(read_clips(root))
    assert digest_of(read_clips(root)) == before
    file = root / "low" / "ada_0.wav"
    pcm, rate = soundfile.read(file, dtype="int16")
    pcm[-1] ^= 1
    soundfile.write(file, pcm, rate, "PCM_16")
    assert digest_of(read_clips(root)) != before
