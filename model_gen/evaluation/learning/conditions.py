"""The windows that a model is tested on: each clip at three placements, and disturbed."""

import hashlib
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from model_gen.audio.decode import to_int16

RATE = 8000  # Hz
WINDOW = 8000  # samples that one inference sees
MIDDLE = WINDOW // 4  # where the clip starts but in two placements: a quarter of a second
FULL_SCALE = 32768
HUM = 50  # Hz

Window = npt.NDArray[np.int16]
Disturbance = Callable[[npt.NDArray[np.float64], str], npt.NDArray[np.float64]]


def place(pcm: Window, start: int) -> Window:
    """Zeros, the clip from `start` on, cut at the window's end, and zeros: int16 [WINDOW]."""
    window = np.zeros(WINDOW, np.int16)
    room = max(WINDOW - start, 0)
    window[start : start + len(pcm)] = pcm[:room]
    return window


def generator(key: str) -> np.random.Generator:
    """Random numbers that the text alone decides."""
    seed = int.from_bytes(hashlib.sha256(key.encode()).digest()[:16], "little")
    return np.random.Generator(np.random.Philox(key=seed))


def _dc(offset: float) -> Disturbance:
    return lambda x, key: x + offset


def _gain(decibels: float) -> Disturbance:
    return lambda x, key: x * 10 ** (decibels / 20)


def _noise(deviation: float) -> Disturbance:
    return lambda x, key: x + deviation * generator(f"{deviation}:{key}").standard_normal(len(x))


def _click(x: npt.NDArray[np.float64], key: str) -> npt.NDArray[np.float64]:
    out = x.copy()
    out[len(x) // 2] += (FULL_SCALE - 1) / FULL_SCALE
    return out


def _hum(x: npt.NDArray[np.float64], key: str) -> npt.NDArray[np.float64]:
    return np.asarray(x + 0.05 * np.sin(2 * np.pi * HUM / RATE * np.arange(len(x))))


# Name -> where the clip starts, in samples. `clean` is what the disturbances are held against.
PLACEMENTS = {"start": 0, "clean": MIDDLE, "end": WINDOW // 2}
# Name -> from fractions of full scale [WINDOW] and the clip's path to the same, disturbed as a whole.
DISTURBANCES: dict[str, Disturbance] = {
    "dc_0.02": _dc(0.02),
    "dc_0.1": _dc(0.1),
    "click": _click,
    "hum_0.05": _hum,
    "noise_0.003": _noise(0.003),
    "noise_0.009": _noise(0.009),
    "level_-40db": _gain(-40),
}
CONDITIONS = (*PLACEMENTS, *DISTURBANCES)


def window_of(pcm: Window, condition: str, key: str) -> Window:
    """What the model is given of a clip: int16 [WINDOW]. `key`, the clip's path, decides its noise."""
    if condition in PLACEMENTS:
        return place(pcm, PLACEMENTS[condition])
    clean = place(pcm, MIDDLE) / FULL_SCALE
    return to_int16(DISTURBANCES[condition](clean, key))
