"""Whatever stedgeai wrote or is given, of whatever is left of it: a folder with or without network.c, or one file."""

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from host.errors import BadInput
from host.reading import load_json, read_file
from model_gen.codegen.neural_art import c_info, validation
from model_gen.codegen.neural_art.compilation import Compilation, Pool
from model_gen.codegen.neural_art.manifest import GENERATED, is_written
from model_gen.codegen.neural_art.network_source import MARK, NetworkSource, parse_network
from model_gen.codegen.neural_art.output_folder import with_hybrids
from model_gen.codegen.neural_art.pools_file import parse_pools, read_profiles
from model_gen.codegen.neural_art.report import Report, parse_report
from model_gen.codegen.neural_art.validation import Validation

MOST = 64 << 20  # bytes of one file
NEXT = (
    "give a folder that stedgeai wrote, its c_info, its report, or what `nightjar generate` wrote"
)
# What the bytes of a file hold that tells something, damaged or not, by the end of its name.
_MARKS = {
    ".json": (b'"graphs"', b'"val_metrics"', b'"Profiles"'),
    ".mpool": (b'"mempools"',),
    ".txt": (b"ST Edge AI Core v",),
    ".log": (b"ST Edge AI Core v",),
    ".c": (MARK.encode(),),
}


@dataclass(frozen=True)
class Told:
    """What files tell, by their names.

    `compilations` are those of c_info; `reports` have their own.
    """

    compilations: dict[str, Compilation] = field(default_factory=dict)
    reports: dict[str, Report] = field(default_factory=dict)
    validations: dict[str, Validation] = field(default_factory=dict)
    networks: dict[str, NetworkSource] = field(default_factory=dict)
    pools: dict[str, tuple[Pool, ...]] = field(default_factory=dict)
    profiles: dict[str, dict[str, tuple[str, tuple[str, ...]]]] = field(default_factory=dict)


def is_told(path: Path) -> bool:
    """Whether a path is something for `read_told`, rather than a model: a file that tells, or a folder with one."""
    return _tells(path) if path.is_file() else path.is_dir() and bool(_files(path))


def read_told(path: Path, *, only: Collection[str] | None = None) -> Told:
    """What a folder's files, or one file, tell.

    Args:
        path: folder or file.
        only: the names that count; None: all.

    Raises:
        BadInput: a file is damaged, of a version that is not known, or none tells anything.
    """
    made = Told()
    files = [path] if path.is_file() else _files(path)
    files = [one for one in files if only is None or one.name in only]
    if not files or not all(map(_tells, files)):
        raise BadInput("expected what stedgeai wrote", evidence=f"Received: {path}", next_step=NEXT)
    for file in files:
        _read(file, made)
    if len(made.networks) == 1:
        (network,) = made.networks.values()
        for name, compilation in made.compilations.items():
            made.compilations[name] = with_hybrids(compilation, network)
    return made


def _files(folder: Path) -> list[Path]:
    """The files of a folder that tell something; where we wrote it, those of its folder `generated`."""
    inner = folder / GENERATED if is_written(folder) else folder
    return [one for one in sorted(inner.iterdir()) if _tells(one)] if inner.is_dir() else []


def _tells(file: Path) -> bool:
    marks = _MARKS.get(file.suffix, ())
    if not marks or not file.is_file():
        return False
    data = read_file(file, file.name, MOST)
    return any(mark in data for mark in marks)


def _read(file: Path, made: Told) -> None:
    name = file.name
    if file.suffix == ".json":
        _read_json(file, made)
        return
    if file.suffix == ".mpool":
        made.pools[name] = parse_pools(load_json(file, name, next_step=NEXT))
        return
    text = read_file(file, name, MOST, next_step=NEXT).decode("utf-8", "replace")
    if file.suffix == ".c":
        made.networks[name] = parse_network(text)
        return
    is_validation = "Evaluation report (summary)" in text
    if is_validation:
        made.validations[name] = validation.parse_validation(text)
    if not is_validation or "Compilation details" in text:
        made.reports[name] = parse_report(text)


def _read_json(file: Path, made: Told) -> None:
    if b'"Profiles"' in read_file(file, file.name, MOST):
        made.profiles[file.name] = read_profiles(file)
        return
    raw = load_json(file, file.name, limit=MOST, next_step=NEXT)
    if isinstance(raw, dict) and "graphs" not in raw and "validation" in raw:
        made.validations[file.name] = validation.parse_c_info(raw)
    else:
        made.compilations[file.name] = c_info.parse_c_info(raw)
