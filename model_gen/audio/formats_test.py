from pathlib import Path

import numpy as np
import pytest
import soundfile

from model_gen.audio.decode import decode
from model_gen.audio.formats import (
    NOT_TAKEN,
    READ,
    SUFFIXES,
    UNREAD,
    convert,
    is_recording,
    why_ignored,
)

# Formats that libsndfile reads, but needs to be told more for writing than a suffix.
_SUBTYPE = {"SVX": "PCM_16", "WVE": "ALAW", "XI": "DPCM_16", "SDS": "PCM_16"}


def test_every_format_that_libsndfile_reads_has_a_suffix_or_a_reason() -> None:
    assert set(soundfile.available_formats()) == set(READ.values()) | set(NOT_TAKEN)
    assert not set(READ.values()) & set(NOT_TAKEN)
    assert not SUFFIXES & set(UNREAD)


@pytest.mark.parametrize("suffix", sorted(SUFFIXES))
def test_a_file_of_each_suffix_is_decoded(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    rate = 48000 if suffix == ".opus" else 8000
    tone = 0.4 * np.sin(np.arange(rate) * 0.3)
    kind = READ[suffix]
    subtype = "OPUS" if suffix == ".opus" else _SUBTYPE.get(kind)
    soundfile.write(path, tone, rate, format=kind, subtype=subtype)
    got = decode(path, soundfile.info(str(path)).samplerate)  # WVE and XI have a rate of their own
    assert abs(len(got) - rate) < 2500
    assert 8000 < np.abs(got.astype(int)).max() < 17000


def test_what_is_not_read_is_named_with_the_command_that_converts_it() -> None:
    assert convert("it's.wma") == "ffmpeg -i 'it'\"'\"'s.wma' 'it'\"'\"'s.flac'"
    assert "ffmpeg -i a.m4a a.flac" in why_ignored("a.m4a")
    assert why_ignored("notes.TXT") == "no recording (.txt)"
    assert why_ignored("README") == "no recording (no suffix)"
    assert is_recording("A.AIFF")
    assert not is_recording("a.m4a")
