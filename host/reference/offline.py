"""What keeps tflite-micro from keeping every tensor: a memory plan that the file brings along.

A tool that tiled or compiled a model may say in its metadata where each tensor shall lie (`OfflineMemoryAllocation`).
tflite-micro follows it, and then refuses to preserve all tensors. Where tensors lie changes nothing that is computed.
"""

import struct

PLAN = b"OfflineMemoryAllocation"
# Where vtables of the schema keep Metadata.name.
_NAME = 4
_ITEM = 4  # bytes of an offset, and of a string's length
# The first byte of the name that the plan is given, under which nobody looks for one: a name of the same length.
_PASSED_OVER = b"-"


def without_plan(tflite: bytes) -> tuple[bytes, bool]:
    """The model without its memory plan, and whether it had one.

    Nothing else is changed, and no byte moves. Bytes that cannot be followed are returned as they are.
    """
    from tflite import Model

    content = bytearray(tflite)
    try:
        model = Model.GetRootAs(tflite, 0)
        for i in range(model.MetadataLength()):
            entry = model.Metadata(i)
            if entry is None or entry.Name() != PLAN:
                continue
            table = entry._tab
            place = table.Indirect(table.Pos + table.Offset(_NAME)) + _ITEM
            content[place : place + 1] = _PASSED_OVER
    except (struct.error, IndexError, ValueError, TypeError, AttributeError):
        return tflite, False
    return bytes(content), content != tflite
