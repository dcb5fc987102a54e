"""The same input gives the same outputs, however often it is run."""

from host.compare.session import Bench
from host.errors import FirmwareFailure

TIMES = 5


def test_repeated_runs(bench: Bench, vector: int) -> None:
    differing = bench.determinism(vector, TIMES)
    if differing:
        raise FirmwareFailure(
            f"{differing} of {TIMES} runs on vector {vector} gave other outputs than the first",
            next_step="look for state that a run leaves behind, or memory written by something else",
        )


def test_untapped_run(bench: Bench, vector: int) -> None:
    """Taps change nothing: an untapped run gives what the tapped one gave."""
    explained = bench.explain_stage(vector, "RUN")
    if explained is not None:
        raise FirmwareFailure(explained)
