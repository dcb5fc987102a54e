import itertools
import signal
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from host.errors import BadInput
from model_gen.audio.decode import blocks, decode, to_int16
from model_gen.audio.stream import Stream


def test_to_int16_rounds_half_to_even_and_saturates() -> None:
    steps = np.array([0.5, 1.5, 2.5, -0.5, -1.5, 40000, -40000, 32767.6], dtype=np.float32)
    assert to_int16(steps / np.float32(32768)).tolist() == [0, 2, 2, 0, -2, 32767, -32768, 32767]


@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_lossless_files_of_the_right_rate_pass_unchanged(tmp_path: Path, suffix: str) -> None:
    want = np.random.default_rng(1).integers(-32768, 32768, 5000).astype(np.int16)
    soundfile.write(tmp_path / f"a.{suffix}", want, 24000, subtype="PCM_16")
    np.testing.assert_array_equal(decode(tmp_path / f"a.{suffix}", 24000), want)


def test_channels_are_mixed_by_their_mean(tmp_path: Path) -> None:
    left, right = np.array([[100, 3, -7], [200, 5, -9]], dtype=np.int16)
    soundfile.write(tmp_path / "a.wav", np.stack([left, right], axis=1), 24000, subtype="PCM_16")
    assert decode(tmp_path / "a.wav", 24000).tolist() == [150, 4, -8]


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
@pytest.mark.parametrize(("rate", "channels"), [(44100, 1), (16000, 2), (48000, 2)])
def test_a_tone_keeps_its_pitch_and_length(
    tmp_path: Path, suffix: str, rate: int, channels: int
) -> None:
    tone = 0.5 * np.sin(2 * np.pi * 3000 * np.arange(rate) / rate)
    soundfile.write(tmp_path / f"a.{suffix}", np.stack([tone] * channels, axis=1), rate)
    got = decode(tmp_path / f"a.{suffix}", 24000)
    assert abs(len(got) - 24000) < 2500  # MP3 pads
    spectrum = np.abs(np.fft.rfft(got[:24000] / 32768, 24000))
    assert abs(int(np.argmax(spectrum)) - 3000) <= 1


def test_decoding_twice_gives_the_same_samples(tmp_path: Path) -> None:
    noise = np.random.default_rng(2).uniform(-1, 1, 44100)
    soundfile.write(tmp_path / "a.wav", noise, 44100)
    np.testing.assert_array_equal(
        decode(tmp_path / "a.wav", 24000), decode(tmp_path / "a.wav", 24000)
    )


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from([8000, 11025, 16000, 22050, 24000, 44100, 48000, 96000, 384000]),
    st.integers(1, 40_000),
    st.integers(1, 3),
    st.integers(200, 20_000),
    st.integers(0, 99),
)
def test_blocks_give_the_bits_of_decoding_everything_at_once(
    tmp_path_factory: pytest.TempPathFactory,
    rate: int,
    frames: int,
    channels: int,
    size: int,
    seed: int,
) -> None:
    path = tmp_path_factory.mktemp("blocks") / "a.wav"
    noise = np.random.default_rng(seed).uniform(-1.1, 1.1, (frames, channels))
    soundfile.write(path, noise.astype(np.float32), rate, subtype="FLOAT")
    mono = noise.astype(np.float32).mean(axis=1, dtype=np.float32)
    want = soxr.resample(mono, rate, 24000, quality="VHQ") if rate != 24000 else mono
    if len(want) == 0:
        with pytest.raises(BadInput, match="cannot decode"):
            list(blocks(path, 24000, size=size))
        return
    found = list(blocks(path, 24000, size=size))
    assert all(map(len, found))
    np.testing.assert_array_equal(np.concatenate(found), to_int16(want))


@pytest.mark.parametrize("suffix", ["flac", "ogg", "mp3"])
def test_blocks_give_the_bits_of_one_read_of_compressed_files(tmp_path: Path, suffix: str) -> None:
    """In MP3, a seek between two reads would change what comes next."""
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, np.random.default_rng(1).uniform(-0.5, 0.5, 70_000), 44100)
    with soundfile.SoundFile(path) as file:
        whole = file.read(dtype="float32")
    want = to_int16(soxr.resample(whole, 44100, 24000, quality="VHQ"))
    np.testing.assert_array_equal(np.concatenate(list(blocks(path, 24000, size=999))), want)


def test_a_long_recording_takes_no_more_memory_than_a_short_one(tmp_path: Path) -> None:
    def peak(seconds: int) -> int:
        path = tmp_path / f"{seconds}.wav"
        with soundfile.SoundFile(path, "w", 48000, 2, "PCM_16") as file:
            for _ in range(seconds // 10):
                file.write(np.full((480_000, 2), 0.1))
        tracemalloc.start()
        try:
            assert sum(map(len, blocks(path, 24000))) == seconds * 24000
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(300) < peak(10) + (1 << 20)


@pytest.mark.parametrize("at", [0, 1, 5])
def test_an_interrupt_is_not_the_end_of_a_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    """It comes while libsndfile has us read, and is raised behind that."""
    soundfile.write(tmp_path / "r.wav", np.zeros(300_000), 8000)
    reads, readinto = itertools.count(), Stream.readinto

    def struck(self: Stream, buffer: bytearray) -> int:
        if next(reads) == at:
            signal.raise_signal(signal.SIGINT)
        return readinto(self, buffer)

    monkeypatch.setattr(Stream, "readinto", struck)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            decode(tmp_path / "r.wav", 8000)
    finally:
        signal.signal(signal.SIGINT, before)
    assert next(reads) > at
    assert decode(tmp_path / "r.wav", 8000).size == 300_000


def test_max_duration_keeps_the_start(tmp_path: Path) -> None:
    want = np.arange(24000, dtype=np.int16)
    soundfile.write(tmp_path / "a.wav", want, 24000, subtype="PCM_16")
    np.testing.assert_array_equal(decode(tmp_path / "a.wav", 24000, max_duration=0.5), want[:12000])


def test_files_that_are_not_audio_are_named(tmp_path: Path) -> None:
    good = np.random.default_rng(3).integers(-9999, 9999, 20000).astype(np.int16)
    soundfile.write(tmp_path / "good.flac", good, 24000, subtype="PCM_16")
    soundfile.write(tmp_path / "nothing.wav", np.zeros(0, np.int16), 24000, subtype="PCM_16")
    soundfile.write(tmp_path / "nan.wav", np.full(10, np.nan), 24000, subtype="FLOAT")
    (tmp_path / "empty.wav").write_bytes(b"")
    (tmp_path / "text.mp3").write_bytes(b"not audio at all" * 10)
    (tmp_path / "cut.flac").write_bytes((tmp_path / "good.flac").read_bytes()[:900])
    for name in ("empty.wav", "text.mp3", "cut.flac", "nothing.wav", "nan.wav", "absent.wav"):
        with pytest.raises(BadInput, match=name) as caught:
            decode(tmp_path / name, 24000)
        assert caught.value.evidence.startswith("Received: ")


def test_an_absent_file_and_a_folder_are_said_to_be_so(tmp_path: Path) -> None:
    for path, said in ((tmp_path / "no.wav", "no such file"), (tmp_path, "a folder")):
        with pytest.raises(BadInput) as caught:
            decode(path, 24000)
        assert caught.value.evidence == f"Received: {said}"


INTERRUPTED = """
import os, signal, sys
from pathlib import Path
from model_gen.audio.decode import decode

def look(frame, event, argument):
    if frame.f_code.co_name == "_create_":  # soxr's module makes an Enum of its own
        sys.setprofile(None)
        os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)  # who started this may ignore it
sys.setprofile(look)
decode(Path(sys.argv[1]), 24000)
"""


def test_a_signal_while_the_resampler_is_loaded_ends_no_process_by_force(tmp_path: Path) -> None:
    """Its C++ ends in SIGABRT where a KeyboardInterrupt comes out of the Python that it calls."""
    soundfile.write(tmp_path / "a.wav", np.ones(300, np.int16), 48000, subtype="PCM_16")
    line = [sys.executable, "-c", INTERRUPTED, str(tmp_path / "a.wav")]
    done = subprocess.run(line, capture_output=True, text=True, timeout=120)
    assert done.returncode == -signal.SIGINT, done.stderr
    assert "nanobind" not in done.stderr
    assert done.stderr.rstrip().endswith("KeyboardInterrupt")
