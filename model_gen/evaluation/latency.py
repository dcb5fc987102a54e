"""What one window costs on this computer: processor and wall-clock time, and memory."""

import resource
import statistics
import time
from dataclasses import dataclass

from model_gen.data.features import Chunks
from model_gen.evaluation.models import Model

RUNS = 20  # windows that are timed, one at a time; a first one is not


@dataclass(frozen=True)
class Latency:
    """Of single windows on the host, the frontend's time included: medians and the largest, ms.

    frontend_ms: of the frontend alone. model_bytes: of the model's file. peak_bytes: of this
    process so far, whatever it did: decoder, TensorFlow and all.
    """

    windows: int
    median_ms: float
    largest_ms: float
    processor_ms: float  # mean, of all threads
    frontend_ms: float
    model_bytes: int
    peak_bytes: int


def measure(model: Model, chunks: Chunks) -> Latency:
    """Time `RUNS` windows by the kernels that scored them; the frontend by one thread."""
    some = [chunks.take([i]) for i in range(min(RUNS, len(chunks)))]
    model.logits(some[0])  # what is compiled or allocated first is no part of it
    walls, used = [], time.process_time()
    for one in some:
        begun = time.perf_counter()
        model.logits(one)
        walls.append(time.perf_counter() - begun)
    used = time.process_time() - used
    fronts = []
    for one in some:
        pcm = one.pcm([0])
        begun = time.perf_counter()
        one.features_of(pcm, threads=1)
        fronts.append(time.perf_counter() - begun)
    return Latency(
        windows=len(some),
        median_ms=round(1e3 * statistics.median(walls), 3),
        largest_ms=round(1e3 * max(walls), 3),
        processor_ms=round(1e3 * used / len(some), 3),
        frontend_ms=round(1e3 * statistics.median(fronts), 3),
        model_bytes=model.size,
        peak_bytes=1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    )
