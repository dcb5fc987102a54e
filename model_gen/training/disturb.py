"""Which disturbances a window has in an epoch, and their order.

The gain, and whether each of the others happens, is drawn for all of them at once, and what one is
like by a generator of its own: an option that changes one leaves what the others draw.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model_gen.training import disturbances
from model_gen.training.noise_bank import NoiseBank
from model_gen.training.options import TrainOptions
from model_gen.training.randomness import keyed

Floats = npt.NDArray[np.float32]
# In the order in which they are added. Which number of the draw is whose depends on the place here:
# new ones go to the end of DRAWN.
DRAWN = ("noise", "rain", "hum", "click", "dc")


@dataclass(frozen=True)
class Disturber:
    """Disturbs windows as the options of a run say."""

    options: TrainOptions
    bank: NoiseBank | None  # None where nothing is taken from it

    @property
    def acts(self) -> bool:
        """Whether any window may be changed."""
        return bool(self.options.gain_db) or any(map(self._probability, DRAWN))

    def __call__(self, x: Floats, *key: int | str) -> Floats:
        """What becomes of x, float32 [n] in fractions of full scale; nothing saturates yet.

        Args:
            key: what the drawn numbers depend on: seed, epoch, recording, window and turn.
        """
        level, *happens = keyed("disturbed", *key).random(1 + len(DRAWN))
        for name, drawn in zip(DRAWN, happens, strict=True):
            if drawn < self._probability(name):
                x = self._with(name, x, keyed(name, *key))
            if name == "noise" and self.options.gain_db:  # the level of all that comes by air
                x = disturbances.gain(x, (2 * level - 1) * self.options.gain_db)
        return x

    def _with(self, name: str, x: Floats, rng: np.random.Generator) -> Floats:
        rate = self.options.sample_rate
        match name:
            case "noise":
                assert self.bank is not None
                low, high = self.options.noise_snr
                ratio = float(rng.uniform(low, high))
                return disturbances.noise(x, self.bank.piece(rng, len(x)), ratio)
            case "rain":
                return disturbances.rain(x, rng, rate)
            case "hum":
                return disturbances.hum(x, rng, rate)
            case "click":
                return disturbances.click(x, rng)
            case _:
                return disturbances.dc(x, rng)

    def _probability(self, name: str) -> float:
        return float(getattr(self.options, f"{name}_probability"))
