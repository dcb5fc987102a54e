"""What something takes of the processor and of time."""

import resource
import time


class Spent:
    """Processor seconds of all threads and ended children, and wall-clock seconds, since it was made."""

    def __init__(self) -> None:
        self._begun = self._now()

    @staticmethod
    def _now() -> tuple[float, float]:
        used = [resource.getrusage(of) for of in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return sum(one.ru_utime + one.ru_stime for one in used), time.monotonic()

    def taken(self) -> tuple[float, float]:
        processor, wall = (now - then for now, then in zip(self._now(), self._begun, strict=True))
        return processor, wall
