"""Sound that is faster or slower, pitch and tempo together."""

import numpy as np
import numpy.typing as npt

from host.interrupts import unbroken
from model_gen.audio.decode import to_int16

Samples = npt.NDArray[np.int16]


def at_length(sound: Samples, samples: int) -> Samples:
    """A whole sound [m] in that many samples, by soxr's cubic interpolation: int16 [samples].

    Rounded half to even and saturated. Sound is faster where `samples` < m; what lies above half
    the rate then is folded down, which the interpolation does not prevent.
    """
    if len(sound) == samples:
        return sound
    with unbroken():  # its C++ aborts where an exception interrupts its loading
        import soxr

    x = sound.astype(np.float32) * np.float32(1 / 32768)
    found = soxr.resample(x, len(sound), samples, quality="QQ")[:samples]
    return to_int16(np.pad(found, (0, samples - len(found)), mode="edge"))
