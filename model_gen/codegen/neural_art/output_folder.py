"""A folder that stedgeai wrote, or somebody filled from one: what each file in it is, told by its content."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from host.errors import BadInput
from host.reading import load_json, read_file
from model_gen.codegen.neural_art.c_info import parse_c_info
from model_gen.codegen.neural_art.compilation import HYBRID, SOFTWARE, Compilation
from model_gen.codegen.neural_art.network_source import MARK, NetworkSource, parse_network
from model_gen.codegen.neural_art.report import Report, parse_report
from model_gen.codegen.neural_art.why import reason

MOST = 256 << 20  # bytes of the files together
NEXT = "give the folder that stedgeai wrote (st_ai_output), whole"
_SOURCES, _IMAGES, _TEXTS = (".c",), (".raw", ".bin"), (".txt", ".log")


@dataclass(frozen=True)
class Output:
    """The files of a folder by their names, and what they are.

    Attributes:
        files: name in the folder -> content.
        network_name: the name of network.c.
        network: what network.c tells; None for a build without the NPU.
        c_info: of stedgeai, or of the compiler where that is all there is; None: there is none.
        c_info_name: "" where there is none.
        quantization: the compiler's input as JSON (`*_Q.json`), which names the model's file, too; None: none.
        report: None: there is none.
        images: file that holds the constants of a pool -> the pool's first address.
    """

    files: Mapping[str, bytes]
    network_name: str
    network: NetworkSource | None
    c_info: Compilation | None
    c_info_name: str
    quantization: dict[str, object] | None
    report: Report | None
    images: Mapping[str, int]

    @property
    def compilation(self) -> Compilation | None:
        """What was made, by the best witness: c_info, else the report; hybrid epochs as network.c knows them."""
        told = self.c_info
        if told is None and self.report is not None:
            told = self.report.compilation
        return None if told is None else with_hybrids(told, self.network)


def with_hybrids(told: Compilation, network: NetworkSource | None) -> Compilation:
    """The compilation with the epochs as hybrid that network.c says are: 2.x tells them nowhere else."""
    hybrid = set() if network is None else {epoch.first for epoch in network.of(HYBRID)}
    return replace(
        told,
        epochs=tuple(
            replace(epoch, kind=HYBRID, why=reason(HYBRID, epoch.ops, npu=True))
            if epoch.kind == SOFTWARE and epoch.number in hybrid
            else epoch
            for epoch in told.epochs
        ),
    )


def read_output(folder: Path) -> Output:
    """The files that lie directly in a folder.

    Raises:
        BadInput: it is no folder, holds no network, more than one, more than MOST bytes, a damaged file, or one of
            a name that is no UTF-8.
    """
    if not folder.is_dir():
        raise BadInput(
            "expected a folder that stedgeai wrote",
            evidence=f"Received: {folder}, which is none",
            next_step=NEXT,
        )
    files: dict[str, bytes] = {}
    left = MOST
    for path in sorted(folder.iterdir()):
        _check_name(path.name)
        if path.is_file() and not path.name.startswith("."):
            files[path.name] = read_file(path, path.name, left, next_step=NEXT)
            left -= len(files[path.name])
    return of_files(files)


def _check_name(name: str) -> None:
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise BadInput(
            "a folder that stedgeai wrote has names of files in UTF-8",
            evidence=f"Received: {os.fsencode(name)!r}",
            next_step=NEXT,
        ) from error


def of_files(files: Mapping[str, bytes]) -> Output:
    """The same of files that were read.

    Raises:
        BadInput: as `read_output`.
    """
    name, network = _network(files)
    infos = _documents(files)
    c_infos = {n: raw for n, raw in infos.items() if "graphs" in raw and "environment" in raw}
    c_info_name = _only(c_infos, "c_info of a generation") if c_infos else ""
    quantizations = [raw for raw in infos.values() if "model_info" in raw and "tensors" in raw]
    texts = {n: data for n, data in files.items() if n.endswith(_TEXTS)}
    reports = [n for n, data in texts.items() if b"Compilation details" in data]
    if not reports:
        reports = [n for n, data in texts.items() if b"C-graph summary" in data]
    # A generation's report rather than an analysis': the first by name is not better than the second.
    reports.sort(key=lambda n: b"generate" not in files[n][:2000])
    return Output(
        files=files,
        network_name=name,
        network=network,
        c_info=parse_c_info(c_infos[c_info_name]) if c_info_name else None,
        c_info_name=c_info_name,
        quantization=quantizations[0] if len(quantizations) == 1 else None,
        report=parse_report(files[reports[0]].decode("utf-8", "replace")) if reports else None,
        images={} if network is None else _images(files, network),
    )


def _network(files: Mapping[str, bytes]) -> tuple[str, NetworkSource | None]:
    """network.c: the only C file with a list of epochs; an ordinary build has one without."""
    sources = {n: data for n, data in files.items() if n.endswith(_SOURCES)}
    marked = {n: data for n, data in sources.items() if f"*{MARK}".encode() in data}
    if marked:
        name = _only(marked, "C file with a list of epochs")
        return name, parse_network(marked[name].decode("utf-8", "replace"))
    if "network.c" in sources:
        return "network.c", None
    raise BadInput(
        "a folder that stedgeai wrote holds network.c",
        evidence=f"Received: {', '.join(sorted(files)[:12]) or 'no file'}",
        next_step=NEXT,
    )


def _documents(files: Mapping[str, bytes]) -> dict[str, dict[str, object]]:
    made = {}
    for name, data in files.items():
        if name.endswith(".json"):
            raw = load_json(data, name, limit=64 << 20, next_step=NEXT)
            if isinstance(raw, dict):
                made[name] = raw
    return made


def _only(found: Mapping[str, object], what: str) -> str:
    """The only name; where there are several, the one that stedgeai gives.

    Raises:
        BadInput: there are several others.
    """
    usual = [name for name in found if name in ("network.c", "network_c_info.json")]
    names = sorted(found)
    if len(names) > 1 and len(usual) != 1:
        raise BadInput(
            f"the folder must hold one {what}",
            evidence=f"Received: {', '.join(names)}",
            next_step="put each network into a folder of its own",
        )
    return usual[0] if usual else names[0]


def _images(files: Mapping[str, bytes], network: NetworkSource) -> dict[str, int]:
    """Which file holds which pool's constants: the one of just the bytes that network.c's constants reach to.

    Raises:
        BadInput: none or several fit.
    """
    made = {}
    for pool in network.pools:
        ends = [
            one.address + one.bytes - pool.address
            for one in network.constants
            if pool.address <= one.address < pool.address + pool.bytes
        ]
        if pool.joined or not ends:
            continue
        fitting = [n for n, d in files.items() if n.endswith(_IMAGES) and len(d) == max(ends)]
        named = [n for n in fitting if f".{pool.file}." in n]
        found = named if len(fitting) > 1 else fitting
        if len(found) != 1:
            raise BadInput(
                f"the folder must hold the constants of pool {pool.name}: {max(ends):,} bytes",
                evidence=f"Received: {_sizes(files, fitting)}",
                next_step="give the .raw files too; a .hex file: arm-none-eabi-objcopy -I ihex -O binary",
            )
        made[found[0]] = pool.address
    return made


def _sizes(files: Mapping[str, bytes], fitting: Sequence[str]) -> str:
    names = fitting or [name for name in files if name.endswith((*_IMAGES, ".hex"))]
    return ", ".join(f"{name} of {len(files[name]):,} bytes" for name in names) or "none"
