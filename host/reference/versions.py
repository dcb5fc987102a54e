"""Versions of ops that `BUILTIN_REF` does not register, though its kernel computes them.

The converter gives an int8 TILE version 3 and an int8 DEPTH_TO_SPACE version 2; the table of the reference kernels ends
one before, and that of the default kernels does not. The kernel behind both is the same, and goes by the type.
"""

import struct

from host.operator_code import builtin_code

_LAST = {"TILE": 2, "DEPTH_TO_SPACE": 1}
# Where vtables of the schema keep OperatorCode.version.
_VERSION = 8


def with_versions_in_reach(tflite: bytes) -> tuple[bytes, tuple[str, ...]]:
    """The model, and "TILE of version 3 read as 2" and the like, of what was changed.

    Nothing else is changed. Bytes that cannot be followed are returned as they are, for the loader to refuse.
    """
    from tflite import Model
    from tflite.utils import BUILTIN_OPCODE2NAME

    content = bytearray(tflite)
    changed = []
    try:
        model = Model.GetRootAs(tflite, 0)
        for i in range(model.OperatorCodesLength()):
            code = model.OperatorCodes(i)
            number = builtin_code(code)
            name = BUILTIN_OPCODE2NAME.get(number, "")
            last = _LAST.get(name, code.Version())
            if code.Version() > last:
                table = code._tab
                struct.pack_into("<i", content, table.Pos + table.Offset(_VERSION), last)
                changed.append(f"{name} of version {code.Version()} read as {last}")
    except (struct.error, IndexError, ValueError, TypeError, AttributeError):
        return tflite, ()
    return bytes(content), tuple(changed)
