"""The proof that the NPU was compiled for, and that the files of a folder belong together."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from host.errors import BadInput
from model_gen.codegen.neural_art.compilation import HARDWARE, Buffer, Compilation
from model_gen.codegen.neural_art.network_source import NetworkSource, SourceBuffer
from model_gen.codegen.neural_art.output_folder import Output
from model_gen.codegen.neural_art.runtime import Runtime

AGAIN = "generate again, and give the output folder as stedgeai wrote it"
_ROUNDED = 1e-6  # of a scale: both files print it in decimal


def md5(data: bytes) -> str:
    """The MD5 of data, as stedgeai signs files: 32 hex digits."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class Belongs:
    """That what c_info tells is of network.c, and how it was found.

    `how`: "signature", "tables" (compiler, pools, buffers and epochs of both agree), or "alone" without a c_info.
    """

    how: str
    statement: str


def check_npu(output: Output) -> None:
    """Refuse a build in which the NPU computes nothing: stedgeai writes one in silence, and ends with 0.

    Raises:
        BadInput: as told.
    """
    network, told = output.network, output.compilation
    if network is None or (told is not None and not told.npu):
        raise no_npu("an ordinary build for the core alone: no list of epochs, or no NPU compiler")
    if not network.of(HARDWARE):
        raise no_npu(f"{len(network.epochs)} epochs, and none in hardware")
    if told is not None and not told.of(HARDWARE):
        raise no_npu(f"a {told.told_by} of {len(told.epochs)} epochs, and none in hardware")


def no_npu(received: str) -> BadInput:
    return BadInput(
        "stedgeai did not compile this network for the NPU",
        evidence=f"Received: {received}",
        next_step="check --st-neural-art and its profile: a wrong one is ignored in silence",
    )


def check_headers(network: NetworkSource, runtime: Runtime) -> None:
    """Refuse a network.c that the headers beside its compiler do not take: all four numbers must be equal.

    Raises:
        BadInput: they differ.
    """
    if runtime.headers is not None and network.compiler != runtime.headers:
        raise BadInput(
            "network.c and the ll_aton headers of the same installation must be of one version",
            evidence=f"Received: network.c for {network.compiler}, headers {runtime.headers}",
            next_step="install that version of ST Edge AI Core anew, all of it",
        )


def belonging(output: Output) -> Belongs:
    """How c_info, or a report where there is none, is held against network.c, which `check_npu` has let pass.

    Raises:
        BadInput: it is another network's, or a signed file or the epoch controller's program is absent or was changed.
    """
    told, network = output.c_info, output.network
    assert network is not None, "an ordinary build was refused before"
    absent = _absent_programs(output)
    if absent:
        raise BadInput(
            "a network for the epoch controller needs the file with its programs",
            evidence=f"Received: a folder without network_ecblobs.h, or half of it: {', '.join(absent)}",
            next_step=AGAIN,
        )
    names = ""
    if any(epoch.is_blob for epoch in network.epochs):
        names = "; the epoch controller's programs are tied to it by their names alone"
    if told is None:
        if output.report is not None:
            seen = output.report.compilation
            problems = [*_other_makers(seen, network), *_other_epochs(seen, network, "the report")]
            if problems:
                raise _stranger("the report", "; ".join(problems))
        return Belongs(
            "alone", "there is no c_info: network.c is the only witness of itself" + names
        )
    signed = [file for file in told.files if file.md5 is not None]
    if signed:
        there = {md5(data) for data in output.files.values()}
        lost = [file.name for file in signed if file.md5 not in there]
        if lost:
            raise _stranger("c_info", f"no file with the signature of {', '.join(lost)}")
    problems = list(_differences(told, network))
    if problems:
        raise _stranger("c_info", "; ".join(problems[:4]))
    if signed:
        return Belongs("signature", f"c_info signs {len(signed)} files, and each is there")
    return Belongs(
        "tables",
        f"c_info signs no file; its compiler, pools, {len(told.epochs)} epochs and "
        f"{len(told.buffers)} buffers agree with network.c{names}",
    )


def _absent_programs(output: Output) -> tuple[str, ...]:
    """The programs of the epoch controller that network.c names and no header holds whole."""
    headers = b"\n".join(data for name, data in output.files.items() if name.endswith(".h"))
    arrays = re.findall(rb"\buint64_t\s+(\w+)\s*\[\s*\d*\s*\]\s*(=\s*\{[^{}]*\}\s*)?;", headers)
    whole = {name for name, content in arrays if content}
    # One that is moved to its place when the network starts: an array to move it to, and it.
    whole |= {name for name, content in arrays if not content and name + b"_reloc" in whole}
    named = re.findall(
        rb"\.blob_address = [^\n]*?\b(_ec_blob_\w+)", output.files[output.network_name]
    )
    # Some versions name the place of a program by a definition of the preprocessor.
    names = dict.fromkeys(name.removesuffix(b"_address") for name in named)
    return tuple(name.decode() for name in names if name not in whole)


def _stranger(which: str, received: str) -> BadInput:
    return BadInput(
        f"{which} and network.c must be of one generation",
        evidence=f"Received: {received}",
        next_step=AGAIN,
    )


def _differences(told: Compilation, network: NetworkSource) -> Iterable[str]:
    """What c_info and network.c say otherwise, in words."""
    yield from _other_makers(told, network)
    tables = (*network.inputs, *network.outputs, *network.internals)
    ours = {
        (buffer.name, buffer.offset if buffer.address is None else buffer.address): buffer
        for buffer in told.buffers
    }
    for buffer in tables:
        twin = ours.get((buffer.name, buffer.address))
        if twin is None or not _same_buffer(twin, buffer):
            yield f"buffer {buffer.name} at {buffer.address:#x} of {buffer.bytes:,} bytes differs"
    yield from _other_epochs(told, network, "c_info")
    if not any(epoch.is_blob for epoch in network.epochs):
        most = len(network.of(HARDWARE))
        if len([e for e in told.of(HARDWARE) if e.outputs]) > most:
            yield f"{len(told.of(HARDWARE))} hardware epochs in c_info, {most} in network.c"


def _other_epochs(told: Compilation, network: NetworkSource, witness: str) -> Iterable[str]:
    """Which epochs they tell otherwise; a program of the epoch controller runs several, and counts for none."""
    kinds = {epoch.number: epoch.kind for epoch in told.epochs}
    for entry in network.epochs:
        if entry.first is None or entry.is_blob:
            continue
        kind = kinds.get(entry.first)
        if kind is None:
            yield f"epoch {entry.first} of network.c is absent from {witness}"
        elif (kind == HARDWARE) != (entry.kind == HARDWARE):
            yield f"epoch {entry.first} is {kind} in {witness}, {entry.kind} in network.c"


def _other_makers(told: Compilation, network: NetworkSource) -> Iterable[str]:
    """What they say otherwise of the compiler and the memory that it was given."""
    if told.compiler is not None and told.compiler != network.compiler:
        yield f"compiler {told.compiler}, and {network.compiler} in network.c"
    # One without an address is the user's, who gives the network's ends their memory at run time.
    pools = {
        (pool.name, pool.address)
        for pool in told.pools
        if not pool.joined and pool.address is not None
    }
    ours = {(pool.name, pool.address) for pool in network.pools if not pool.joined}
    if pools != ours:
        strange = sorted(name for name, _ in pools ^ ours)
        yield f"other memory pools than network.c: {', '.join(dict.fromkeys(strange))}"


def _same_buffer(told: Buffer, buffer: SourceBuffer) -> bool:
    """Whether both say the same of a buffer, as far as both say it."""
    return (
        (told.bytes, told.bits, told.constant) == (buffer.bytes, buffer.bits, buffer.constant)
        and _same_scales(told.scales, buffer)
        and (
            not told.zero_points or not buffer.zero_points or told.zero_points == buffer.zero_points
        )
    )


def _same_scales(told: tuple[float, ...], buffer: SourceBuffer) -> bool:
    return (
        not told
        or not buffer.scales
        or (
            len(told) == len(buffer.scales)
            and all(
                abs(a - b) <= _ROUNDED * abs(b) for a, b in zip(told, buffer.scales, strict=True)
            )
        )
    )
