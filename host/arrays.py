"""Arrays from an .npz that somebody else wrote: headers first, before anything is unpacked."""

import io
import math
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from host.errors import BadInput
from host.zips import DAMAGED, opened, unpacked

Wanted = Mapping[str, tuple[npt.DTypeLike, tuple[int, ...]]]

_READERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def read_arrays(
    data: bytes, what: str, wanted: Wanted, most: int, *, next_step: str = ""
) -> dict[str, npt.NDArray[Any]]:
    """The arrays of an .npz, not writable.

    Args:
        data: the bytes of the file.
        what: what it is, for the message.
        wanted: name -> type and shape of each array, apart from the first axis, which is as long
            in all of them.
        most: bytes that they may have together.
        next_step: of the error.

    Raises:
        BadInput: it is no zip of just these arrays, or they are larger; nothing was unpacked then.
    """
    try:
        return _read(data, wanted, most)
    except DAMAGED as error:
        raise BadInput(
            f"{what} must hold the arrays {', '.join(wanted)}, each as its contract says",
            evidence=f"Received: {str(error)[:300] or type(error).__name__}",
            next_step=next_step,
        ) from error


def _read(data: bytes, wanted: Wanted, most: int) -> dict[str, npt.NDArray[Any]]:
    with opened(data, len(wanted)) as archive:
        names = archive.namelist()
        if sorted(names) != sorted(f"{name}.npy" for name in wanted):
            raise ValueError(f"the files {', '.join(names)[:200] or 'of an empty zip'}")
        headers = {name: _header(archive, f"{name}.npy") for name in wanted}
        lengths = {name: header[0][:1] for name, header in headers.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"arrays of different lengths: {lengths}")
        total = 0
        for name, (shape, fortran, dtype, offset) in headers.items():
            kind, rest = wanted[name]
            if dtype != np.dtype(kind) or fortran or shape[1:] != rest or len(shape) < 1:
                raise ValueError(
                    f"{name} of {dtype} {shape}, where {np.dtype(kind)} {('n', *rest)} must be"
                )
            size = math.prod(shape) * dtype.itemsize
            if archive.getinfo(f"{name}.npy").file_size != offset + size:
                raise ValueError(f"{name} of another size than its header says")
            total += size
        if total > most:
            raise ValueError(f"arrays of {total:,} bytes; at most {most:,} may be there")
        return {
            name: np.frombuffer(unpacked(archive, f"{name}.npy"), dtype, offset=offset).reshape(
                shape
            )
            for name, (shape, _, dtype, offset) in headers.items()
        }


def _header(
    archive: zipfile.ZipFile, name: str
) -> tuple[tuple[int, ...], bool, "np.dtype[Any]", int]:
    """(shape, whether the first axis runs fastest, type, bytes of the header)."""
    with archive.open(name) as stream:
        head = io.BytesIO(stream.read(1 << 12))
    reader = _READERS.get(np.lib.format.read_magic(head))
    if reader is None:
        raise ValueError(f"{name} of an unknown version")
    shape, fortran, dtype = reader(head)
    if any(size < 0 for size in shape):
        raise ValueError(f"{name} of the shape {shape}")
    return shape, fortran and len(shape) > 1, dtype, head.tell()
