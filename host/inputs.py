"""Files of inputs, the one form for every command that takes any.

.npy, for a model with one input, holds [n, *shape] of the input's type. .npz holds one such array
for each input, all with the same n, under the input's key: its name as in the .tflite, where that
is a usable name and no other input has it; else the name, made usable, with "#" and the input's
position behind it (`keys_of`). Nothing else is in it.
"""

import io
import math
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
import numpy.typing as npt

from host.compare.vectors import MOST_BYTES, InputTensor
from host.errors import BadInput
from host.results import write_result
from host.zips import is_plain

Array = npt.NDArray[Any]
_NPY, _ZIP = b"\x93NUMPY", b"PK"
_LONGEST_KEY = 200  # characters
_LARGEST_DIRECTORY = 1 << 20  # bytes
_LOCATOR, _END = 20, 22  # bytes of a zip's last records
_LONGEST_HEADER = 4096  # bytes of a .npy's header; those of plain arrays have 128


def keys_of(ports: Sequence[InputTensor]) -> tuple[str, ...]:
    """The key of each input in a .npz, all different, whatever the names are.

    >>> from types import SimpleNamespace as N
    >>> keys_of([N(name=n) for n in ("image", "x", "x", "")])
    ('image', 'x#1', 'x#2', '#3')
    """
    names = [port.name for port in ports]
    plain = {n for n in names if names.count(n) == 1 and n and n == _usable(n)}
    keys: list[str] = []
    for position, name in enumerate(names):
        if name in plain:
            keys.append(name)
            continue
        key = f"{_usable(name)}#{position}"
        while key in plain or key in keys:
            key += "#"
        keys.append(key)
    return tuple(keys)


def read_inputs(path: Path, ports: Sequence[InputTensor]) -> list[tuple[Array, ...]]:
    """The inputs of a file: n tuples, each with an array [*shape] for every input in order.

    Args:
        path: .npy or .npz; which one its first bytes say.
        ports: the model's inputs.

    Raises:
        BadInput: it is neither, damaged, too large, or not what the model takes; with what is.
    """
    if not path.is_file():
        raise BadInput(
            "the inputs come from a file",
            evidence=f"Received: {path}, " + ("which is none" if path.exists() else "not there"),
            next_step="give the path of a .npy or .npz file",
        )
    size = path.stat().st_size
    with path.open("rb") as stream:
        head = stream.read(len(_NPY))
        stream.seek(0)
        if head == _NPY:
            arrays = [_read_npy(stream, size, ports)]
        elif head[:2] == _ZIP:
            arrays = _read_npz(stream, size, ports)
        else:
            raise _bad(ports, f"{path.name}, {size:,} bytes that begin with {head!r}")
    counts = {key: len(array) for key, array in zip(keys_of(ports), arrays, strict=True)}
    count = len(arrays[0])
    if set(counts.values()) != {count} or count == 0:
        raise _bad(ports, f"so many of each input: {counts}")
    return [tuple(array[i, ...] for array in arrays) for i in range(count)]


def write_inputs(
    path: Path, ports: Sequence[InputTensor], inputs: Sequence[tuple[Array, ...]]
) -> None:
    """Write what `read_inputs` reads, whole or not at all; always the same bytes.

    Args:
        path: ends with .npz, or .npy for a model with one input.
        inputs: at least one.

    Raises:
        BadInput: the name ends otherwise, or the inputs are not the model's.
    """
    if not inputs or any(len(one) != len(ports) for one in inputs):
        raise _bad(ports, f"{len(inputs)} inputs with {sorted({len(i) for i in inputs})} arrays")
    stacks = [_stacked(port, [one[i] for one in inputs], ports) for i, port in enumerate(ports)]
    if path.suffix == ".npy" and len(ports) == 1:
        write_result(path, _npy_bytes(stacks[0]))
        return
    if path.suffix != ".npz":
        raise _bad(ports, f"the file name {path.name!r}")
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for key, stack in zip(keys_of(ports), stacks, strict=True):
            # A ZipInfo of one's own has a fixed date and no permissions of this computer.
            archive.writestr(zipfile.ZipInfo(f"{key}.npy"), _npy_bytes(stack))
    write_result(path, stream.getvalue())


@dataclass(frozen=True)
class _Header:
    """What a .npy says of itself, in its first `length` bytes. `bytes`: of its data."""

    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[Any]
    length: int

    @property
    def bytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


def _usable(name: str) -> str:
    """The name without what a zip's names cannot have, and no longer than a person would read."""
    kept = "".join(c if c.isprintable() else "_" for c in name)
    return kept[:_LONGEST_KEY]


def _expected(port: InputTensor) -> str:
    return f"{np.dtype(port.dtype)} {['n', *port.shape]}".replace("'", "")


def _bad(ports: Sequence[InputTensor], received: str) -> BadInput:
    keys = keys_of(ports)
    forms = [f"{key!r} {_expected(port)}" for key, port in zip(keys, ports, strict=True)]
    one = f"a .npy {_expected(ports[0])}, or " if len(ports) == 1 else ""
    return BadInput(
        f"inputs of this model are {one}a .npz with {'; '.join(forms)}; n at least 1, all finite",
        evidence=f"Received: {received}",
        next_step="write them with numpy.save or numpy.savez; `nightjar inspect` shows the inputs",
    )


def _read_npy(stream: IO[bytes], size: int, ports: Sequence[InputTensor]) -> Array:
    if len(ports) != 1:
        raise _bad(ports, "a .npy, for a model with several inputs")
    return _read_array(stream, size, ports[0], keys_of(ports)[0], ports)


def _read_npz(stream: IO[bytes], size: int, ports: Sequence[InputTensor]) -> list[Array]:
    _check_directory(stream, size, ports)
    try:
        with zipfile.ZipFile(stream) as archive:
            members = archive.infolist()
            keys = keys_of(ports)
            names = [info.filename.removesuffix(".npy") for info in members]
            if sorted(names) != sorted(keys):
                missing = [key for key in keys if key not in names]
                raise _bad(ports, f"keys {_listed(names)}; missing: {_listed(missing)}")
            found = dict(zip(names, members, strict=True))
            arrays = []
            for key, port in zip(keys, ports, strict=True):
                info = found[key]
                if not is_plain(info):
                    raise _bad(ports, f"{key!r} encrypted, or compressed by other than deflate")
                with archive.open(info) as member:
                    arrays.append(_read_array(member, info.file_size, port, key, ports))
            return arrays
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError) as error:
        raise _bad(ports, f"a damaged .npz: {type(error).__name__}: {error}") from error


def _check_directory(stream: IO[bytes], size: int, ports: Sequence[InputTensor]) -> None:
    """Refuse a directory of many members before it is read: a hostile one takes all memory."""
    stream.seek(max(0, size - _LOCATOR - _END))
    tail = stream.read(_LOCATOR + _END)
    stream.seek(0)
    end = tail[-_END:]
    if len(end) != _END or end[:4] != b"PK\x05\x06" or tail[:4] == b"PK\x06\x07":
        raise _bad(ports, "a .npz that is cut off, has a comment, or is a zip64 one")
    directory = int.from_bytes(end[12:16], "little")
    if directory > _LARGEST_DIRECTORY:
        raise _bad(ports, f"a .npz with a directory of {directory:,} bytes")


def _listed(names: Sequence[str]) -> str:
    return f"{[name[:80] for name in names[:8]]}" + (" ..." if len(names) > 8 else "")


def _read_array(
    stream: IO[bytes], size: int, port: InputTensor, key: str, ports: Sequence[InputTensor]
) -> Array:
    """One array of `size` bytes with its header. No data is read before the size is right."""
    header = _read_header(stream, key, ports)
    dtype, shape = np.dtype(port.dtype), tuple(port.shape)
    if header.dtype != dtype or header.shape[1:] != shape or len(header.shape) != 1 + len(shape):
        raise _bad(ports, f"{key!r} {header.dtype} {list(header.shape)}")
    whole = header.shape[0] * sum(math.prod(p.shape) * np.dtype(p.dtype).itemsize for p in ports)
    if whole > MOST_BYTES:
        raise _bad(ports, f"{header.shape[0]:,} inputs, {whole:,} bytes; at most {MOST_BYTES:,} do")
    if size != header.length + header.bytes:
        raise _bad(ports, f"{key!r} {list(header.shape)} in a file of {size:,} bytes")
    data = stream.read(header.bytes)
    if len(data) != header.bytes or stream.read(1):
        raise _bad(ports, f"{key!r} ends after {len(data):,} of {header.bytes:,} bytes")
    order: Literal["F", "C"] = "F" if header.fortran else "C"
    array = np.frombuffer(data, dtype).reshape(header.shape, order=order)
    if dtype.kind == "f" and not np.isfinite(array).all():
        raise _bad(ports, f"{key!r} with numbers that are not finite")
    return np.ascontiguousarray(array)


def _read_header(stream: IO[bytes], key: str, ports: Sequence[InputTensor]) -> _Header:
    try:
        version = np.lib.format.read_magic(stream)
        readers = {(1, 0): (2, np.lib.format.read_array_header_1_0)}
        readers[2, 0] = (4, np.lib.format.read_array_header_2_0)
        if version not in readers:
            raise ValueError(f"version {version}")
        field, reader = readers[version]
        start = stream.read(field)
        length = int.from_bytes(start, "little")
        if len(start) != field or length > _LONGEST_HEADER:
            raise ValueError(f"a header of {length:,} bytes")
        text = stream.read(length)
        shape, fortran, dtype = reader(io.BytesIO(start + text))
        if dtype.hasobject or any(side < 0 for side in shape):
            raise ValueError(f"{dtype} {list(shape)}")
    except Exception as error:  # a damaged header fails in any way that numpy's parser can
        raise _bad(ports, f"{key!r}, no plain .npy: {str(error)[:200]}") from error
    return _Header(shape, fortran, dtype, 8 + field + length)


def _stacked(port: InputTensor, arrays: list[Array], ports: Sequence[InputTensor]) -> Array:
    wrong = [a for a in arrays if a.dtype != np.dtype(port.dtype) or a.shape != tuple(port.shape)]
    if wrong:
        raise _bad(ports, f"{port.name!r} {wrong[0].dtype} {list(wrong[0].shape)}")
    stack = np.ascontiguousarray(np.stack(arrays))
    if stack.dtype.kind == "f" and not np.isfinite(stack).all():
        raise _bad(ports, f"{port.name!r} with numbers that are not finite")
    return stack


def _npy_bytes(array: Array) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, version=(1, 0), allow_pickle=False)
    return stream.getvalue()
