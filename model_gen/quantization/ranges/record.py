"""The ranges that lie in a calibrated .tflite, a record a tensor."""

from collections.abc import Iterator, Mapping
from typing import Any

import tflite

from model_gen.quantization.ranges.steps import Range


def ranges_in(calibrated: bytes) -> dict[int, Range]:
    """Tensor index -> the range in its record, of those that have one."""
    return {
        index: (float(record.Min(0)), float(record.Max(0)))
        for index, record in _records(calibrated)
    }


def with_ranges(calibrated: bytes, ranges: Mapping[int, Range]) -> bytes:
    """The model with other ranges in the records of the tensors that `ranges` names; no other byte changes.

    Raises:
        KeyError: a tensor has no record.
    """
    content = bytearray(calibrated)
    records = dict(_records(content))
    for index, (low, high) in ranges.items():
        records[index].MinAsNumpy()[0] = low  # a view of `content`
        records[index].MaxAsNumpy()[0] = high
    return bytes(content)


def _records(content: bytes | bytearray) -> Iterator[tuple[int, Any]]:
    graph = tflite.Model.GetRootAs(content, 0).Subgraphs(0)
    for index in range(graph.TensorsLength()):
        record = graph.Tensors(index).Quantization()
        if record is not None and record.MinLength() == record.MaxLength() == 1:
            yield index, record
