"""What one pass over a recording tells: its bytes, its sound, and how much of it would be heard."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from host.files import sha256_file
from host.interrupts import unbroken
from model_gen.audio.chunks import Loudness, merged, salient_starts
from model_gen.audio.decode import QUALITY, mix, to_int16
from model_gen.audio.source import Source, Unreadable, open_source
from model_gen.data.hearing import Hearing

FULL = 0.999  # of full scale: where samples that stay the same are clipped


@dataclass(frozen=True)
class Measures:
    """Of one recording. All but `sha256` is about what is read of it: the first `max_duration`
    seconds.

    sha256: of all its bytes; "" where they cannot be read. unreadable: why nothing of it can be
    used, else "". damage: what is wrong with a file whose good part is used, else "". rate: in Hz.
    seconds: of the whole recording. read: in seconds. windows: that training hears. heard: seconds
    in any of them. peak: of all channels, 1 is full scale. level: root mean square of the mixed
    channels without their mean. dc: their mean. clipped: share of samples that stay at full scale.
    floats: whether samples may lie outside [-1, 1]. kept: share of the channels' power that is left
    when they are mixed, against as much in each channel.
    """

    sha256: str = ""
    unreadable: str = ""
    damage: str = ""
    rate: int = 0
    channels: int = 0
    seconds: float = 0.0
    read: float = 0.0
    windows: int = 0
    heard: float = 0.0
    peak: float = 0.0
    level: float = 0.0
    dc: float = 0.0
    clipped: float = 0.0
    floats: bool = False
    kept: float = 1.0


def measure(path: Path, hearing: Hearing) -> Measures:
    """Read a recording once. What cannot be read is said in the result; nothing is raised for a bad
    file."""
    try:
        with open_source(path) as source:
            return _measured(source, hearing)
    except Unreadable as error:
        reason = str(error)
    try:
        return Measures(sha256=sha256_file(path), unreadable=reason)
    except OSError:
        return Measures(unreadable=reason)


class _Sound:
    """Sums over the blocks of a recording."""

    def __init__(self) -> None:
        self.frames = 0
        self.total = self.power = self.channel_power = self.peak = 0.0
        self.clipped = 0

    def add(self, block: npt.NDArray[np.float32], mono: npt.NDArray[np.float32]) -> None:
        self.frames += len(block)
        level = np.abs(block)
        self.peak = max(self.peak, float(level.max()))
        self.total += float(np.sum(mono, dtype=np.float64))
        self.power += float(np.sum(np.square(mono, dtype=np.float64)))
        self.channel_power += float(np.sum(np.square(block, dtype=np.float64))) / block.shape[1]
        if self.peak >= FULL:
            stays = (level[1:] >= FULL) & (block[1:] == block[:-1])
            self.clipped += int(np.count_nonzero(stays))


def _measured(source: Source, hearing: Hearing) -> Measures:
    with unbroken():  # its C++ aborts where an exception interrupts its loading
        import soxr

    rate, wanted = source.rate, hearing.sample_rate
    most = max(1, round(hearing.max_duration * rate)) if hearing.max_duration else None
    resampler = None
    if rate != wanted:
        resampler = soxr.ResampleStream(rate, wanted, 1, dtype="float32", quality=QUALITY)
    sound, loudness, samples = _Sound(), Loudness(hearing.chunk), 0
    for block in source.blocks(most):
        mono = mix(block)
        sound.add(block, mono)
        if not np.isfinite(sound.power):
            raise Unreadable("NaN or infinity among its samples")
        heard = to_int16(mono if resampler is None else resampler.resample_chunk(mono))
        loudness.add(heard)
        samples += len(heard)
    if resampler is not None and sound.frames:
        heard = to_int16(resampler.resample_chunk(np.zeros(0, np.float32), last=True))
        loudness.add(heard)
        samples += len(heard)
    if not samples:
        raise Unreadable("no samples")
    chunk = hearing.chunk
    starts = salient_starts(loudness, samples, chunk, hearing.most)
    spans = merged((start, min(start + chunk, samples)) for start in starts)
    read = sound.frames / rate
    mean = sound.total / sound.frames
    return Measures(
        sha256=source.sha256(),
        damage=source.damage,
        rate=rate,
        channels=source.channels,
        seconds=read if source.damage else (source.claimed or sound.frames) / rate,
        read=read,
        windows=len(starts),
        heard=sum(end - begin for begin, end in spans) / wanted,
        peak=sound.peak,
        level=max(0.0, sound.power / sound.frames - mean**2) ** 0.5,
        dc=mean,
        clipped=sound.clipped / (sound.frames * source.channels),
        floats=source.floats,
        kept=sound.power / sound.channel_power if sound.channel_power else 1.0,
    )
