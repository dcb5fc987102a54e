"""What `nightjar inspect` shows of a folder or a file that stedgeai wrote."""

import math
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from host.cli.common import say, write_json

if TYPE_CHECKING:
    from model_gen.codegen.neural_art.compilation import Compilation
    from model_gen.codegen.neural_art.network_source import NetworkSource
    from model_gen.codegen.neural_art.report import Report
    from model_gen.codegen.neural_art.told import Told
    from model_gen.codegen.neural_art.validation import Validation

_PEAK = 8  # tensors that are named at the peak


def show(path: Path, json_path: str | None) -> None:
    """Show tables and memory over time.

    Raises:
        BadInput: nothing there tells anything, or what tells is damaged.
        IdentityFailure: in a folder that we wrote, a file is not the one that it was written with.
    """
    from model_gen.codegen.neural_art.manifest import is_written, read_written
    from model_gen.codegen.neural_art.told import read_told

    written = read_written(path) if path.is_dir() and is_written(path) else None
    told = read_told(path, only=None if written is None else written.output.files)
    manifest = None if written is None else written.manifest
    write_json(json_path, {**_payload(told), "manifest": manifest})
    if manifest is not None:
        say(f"{path}: {manifest['identity']['statement']}", json_path)
        say(f"  {len(manifest['files'])} files, each as it was written", json_path)
    for line in _lines(told):
        say(line, json_path)


def _lines(told: "Told") -> Iterator[str]:
    for name, made in told.compilations.items():
        yield from _compilation(name, made)
    for name, report in told.reports.items():
        yield from _report(name, report, told)
    for name, network in told.networks.items():
        yield from _network(name, network)
    for name, validation in told.validations.items():
        yield from _validation(name, validation)
    for name, pools in told.pools.items():
        yield f"{name}: memory pools"
        for pool in pools:
            closed = "" if pool.bytes else ", closed"
            yield f"  {pool.name:<10} {pool.address:#010x} {pool.bytes or 0:>13,} bytes{closed}"
    for name, profiles in told.profiles.items():
        for profile, (pools_file, options) in profiles.items():
            yield f"{name}: profile {profile}, pools {pools_file}: {' '.join(options)}"


def _payload(told: "Told") -> dict[str, Any]:
    from model_gen.codegen.neural_art.usage import usage

    compilations = {}
    both = {name: report.compilation for name, report in told.reports.items()}
    for name, made in {**told.compilations, **both}.items():
        memory = usage(made)
        compilations[name] = {
            **asdict(made),
            "version": str(made.version),
            "dialect": made.dialect.name,
            "cycles": made.cycles,
            "microseconds": made.microseconds,
            "memory_over_time": None if memory is None else asdict(memory),
        }
    payload = {
        "schema": "nightjar/inspect-neural-art/1",
        "compilations": compilations,
        "pools": {name: [asdict(pool) for pool in pools] for name, pools in told.pools.items()},
        "profiles": {
            name: {one: list(options) for one, (_, options) in profiles.items()}
            for name, profiles in told.profiles.items()
        },
        "networks": {name: asdict(one) for name, one in told.networks.items()},
        "validations": {
            name: {**asdict(one), "version": str(one.version)}
            for name, one in told.validations.items()
        },
    }
    return dict(_finite(payload))


def _finite(value: Any) -> Any:
    """The value with a text for what JSON has no number for: a signal without noise has an infinite ratio."""
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(one) for one in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _compilation(name: str, made: "Compilation") -> Iterator[str]:
    from model_gen.codegen.neural_art.usage import picture

    yield from _head(name, made)
    yield from _epochs(made)
    yield from _pools(made)
    for pool in made.pools:
        yield from picture(made, pool)
    yield from _peak(made)


def _head(name: str, made: "Compilation") -> Iterator[str]:
    npu = f"NPU compiler {made.compiler or 'of unknown version'}" if made.npu else "no NPU compiler"
    yield f"{name}: {made.told_by}, stedgeai {made.version} ({made.dialect.package}), {npu}"
    for model in made.models:
        yield f"  model {model.name}, {f'MD5 {model.md5}' if model.md5 else 'not signed'}"


def _report(name: str, report: "Report", told: "Told") -> Iterator[str]:
    made = report.compilation
    yield from _head(name, made)
    if report.macs is not None:
        yield f"  {report.macs:,} MACs in {len(report.layers)} layers of the model"
    if report.runtime is not None:
        yield f"  measured with {report.runtime}"
    twins = [one for one, other in told.compilations.items() if _same(made, other)]
    if twins:
        yield f"  tells the same epochs and memory as {twins[0]}"
        return
    if told.compilations:
        yield "  tells other epochs or other memory than c_info: it is of another run"
    yield from _epochs(made)
    yield from _pools(made)


def _same(one: "Compilation", other: "Compilation") -> bool:
    """Whether both tell of the same epochs and the same use of memory; a report does not tell what is hybrid."""

    def told(made: "Compilation") -> object:
        epochs = [(epoch.number, epoch.kind == "hardware") for epoch in made.epochs]
        pools = sorted((pool.name, pool.used) for pool in made.pools if not pool.joined)
        return (made.version, epochs, pools)

    return told(one) == told(other)


def _epochs(made: "Compilation") -> Iterator[str]:
    counts = ", ".join(
        f"{len(made.of(kind))} {kind}" for kind in ("hardware", "hybrid", "software")
    )
    estimate = "no estimate of its time"
    if made.cycles is not None:
        estimate = f"{made.cycles:,} cycles, {made.microseconds:,.0f} us of the NPU at 1 GHz"
    yield f"  {len(made.epochs)} epochs: {counts}; {estimate}"
    yield f"{'epoch':>7} {'kind':<9} {'cycles':>11} {'computing':>11} {'MACs':>12}  operations"
    for epoch in made.epochs:
        cells = (epoch.cycles, epoch.compute_cycles, epoch.macs or None)
        numbers = [f"{'-' if cell is None else f'{cell:,}'}" for cell in cells]
        why = f"  ({epoch.why})" if epoch.why else ""
        blob = f"  blob {epoch.blob}" if epoch.blob is not None else ""
        yield (
            f"{epoch.number:>7} {epoch.kind:<9} {numbers[0]:>11} {numbers[1]:>11} {numbers[2]:>12}  "
            f"{', '.join(epoch.ops) or '-'}{blob}{why}"
        )


def _pools(made: "Compilation") -> Iterator[str]:
    if not made.pools:
        yield f"  {made.weights:,} bytes of weights, {made.activations:,} of activations"
        return
    yield f"{'pool':<12} {'address':>11} {'bytes':>13} {'used':>12} {'weights':>12} {'tensors':>12}"
    for pool in made.pools:
        if pool.joined and not pool.used:
            continue
        address = "-" if pool.address is None else f"{pool.address:#010x}"
        size = "-" if pool.bytes is None else f"{pool.bytes:,}"
        about = "" if pool.exact else "  (rounded)"
        about += "  (lies across pools that the compiler joined)" if pool.joined else ""
        yield (
            f"{pool.name:<12} {address:>11} {size:>13} {pool.used:>12,} {pool.weights or 0:>12,} "
            f"{pool.activations or 0:>12,}{about}"
        )
    yield f"{'in all':<12} {'':>11} {'':>13} {'':>12} {made.weights:>12,} {made.activations:>12,}"


def _peak(made: "Compilation") -> Iterator[str]:
    from model_gen.codegen.neural_art.usage import usage

    found = usage(made)
    if found is None:
        return
    yield f"alive in epoch {found.peak_epoch}, the most: {found.peak_bytes:,} bytes"
    for buffer in found.peak[:_PEAK]:
        shape = "x".join(map(str, buffer.shape)) or "scalar"
        yield f"{buffer.bytes:>12,} bytes  {buffer.name}  {buffer.format} {shape} in {buffer.pool}"


def _network(name: str, network: "NetworkSource") -> Iterator[str]:
    kinds = ", ".join(
        f"{len(network.of(kind))} {kind}" for kind in ("hardware", "hybrid", "software")
    )
    blobs = sum(epoch.is_blob for epoch in network.epochs)
    dialect = network.dialect.name if network.dialect else "unknown"
    yield f"{name}: for ll_aton {network.compiler}, dialect {dialect}, symbols end with {network.symbol}"
    yield (
        f"  {len(network.epochs)} entries: {kinds}; {blobs} programs of the epoch controller; "
        f"{len(network.constants)} constants, {len(network.internals)} internal buffers told"
    )


def _validation(name: str, made: "Validation") -> Iterator[str]:
    yield f"{name}: validation by stedgeai {made.version} on {made.device or 'no board'}"
    if made.runtime:
        yield f"  runtime {made.runtime}"
    if made.milliseconds is not None:
        samples = "" if made.samples is None else f", {made.samples} samples"
        yield f"  {made.milliseconds:g} ms a sample in {len(made.epochs)} epochs{samples}"
    for row in made.metrics:
        values = "  ".join(
            f"{key} {'n.a.' if value is None else f'{value:g}'}"
            for key, value in row.values.items()
        )
        yield f"  {row.name}: {values}"
