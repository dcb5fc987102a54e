"""`nightjar bench frontend`: the frontend beside CMSIS-DSP, librosa and SciPy."""

from dataclasses import asdict
from typing import Any

from host.cli.common import say, write_json

SCHEMA = "nightjar/bench/1"


def bench_frontend(json_path: str | None) -> int:
    """Count, measure, print; see `nightjar bench --help`."""
    from importlib.metadata import version

    from host.bench.frontend import (
        COMPRESSIONS,
        LENGTHS,
        PEER,
        count,
        count_compression,
        count_input,
        count_percentile,
        measure_host,
    )

    rows: list[dict[str, Any]] = []
    say(f"instructions a frame on a Cortex-M55 with Helium, {PEER} (f32, Helium) beside", json_path)
    for length in LENGTHS:
        counts, host = count(length), measure_host(length)
        librosa, scipy = host.ours / host.librosa, host.ours / host.scipy
        names = f"librosa {version('librosa')}", f"SciPy {version('scipy')}"
        rows += [
            _row(
                "spectrum",
                length,
                counts.spectrum,
                f"{PEER}; host: {names[0]}",
                counts.peer,
                librosa,
            ),
            _row("spectrum", length, counts.spectrum, f"host: {names[1]}", None, scipy),
            _row("features", length, counts.features, None, None, None),
        ]
        say(
            f"{length:5d} points: window + FFT + magnitude {counts.spectrum:6d}, {PEER} {counts.peer:6d};"
            f" with roots, min-max, int8 and column store {counts.features:6d};"
            f" code {counts.code} + tables {counts.tables} bytes of flash, scratch {counts.scratch} bytes of RAM",
            json_path,
        )
        say(
            f"      host, one core: {host.ours / 1e6:.2f} million frames a second,"
            f" {librosa:.1f} times {names[0]}, {scipy:.1f} times {names[1]}",
            json_path,
        )
    compressions = {name: round(count_compression(name), 2) for name in COMPRESSIONS}
    counted = ", ".join(f"{name} {value}" for name, value in compressions.items())
    say(f"instructions a value of a compression: {counted}", json_path)
    added = {f"percentile, {name}": round(n, 2) for name, n in asdict(count_percentile()).items()}
    counted = ", ".join(f"{name} {value}" for name, value in added.items())
    say(f"instructions a value of percentiles, above min-max: {counted}", json_path)
    more = count_input()
    say(
        f"removing the mean of a frame of 512 points: {more.window_dc:.0f} instructions;"
        f" min-max of the rows from 150 Hz on: {more.norm_low:.2f} a value",
        json_path,
    )
    values = {**compressions, **added, "norm_low": round(more.norm_low, 2)}
    found = {"schema": SCHEMA, "rows": rows, "instructions_a_value": values}
    write_json(json_path, {**found, "instructions_a_frame": {"window_dc": more.window_dc}})
    return 0


def _row(
    name: str,
    length: int,
    instructions: int,
    peer: str | None,
    peer_instructions: int | None,
    ratio: float | None,
) -> dict[str, Any]:
    return {
        "name": name,
        "n_fft": length,
        "instructions": instructions,
        "peer": peer,
        "peer_instructions": peer_instructions,
        "host_ratio": None if ratio is None else round(ratio, 2),
    }
