"""Which op an operator code of a .tflite stands for."""

from typing import Any

_BUILTIN_CODE = 10  # where vtables of the schema keep OperatorCode.builtin_code


def builtin_code(code: Any) -> int:
    """The BuiltinOperator of a `tflite.OperatorCode`: the larger of its two fields, as TFLite's GetBuiltinCode.

    The converter writes a code below 127 into both. A file that another tool packed with the newer field alone is a
    model, too; of it the package `tflite` reads the older field, 0, which is ADD.
    """
    from flatbuffers.number_types import Int32Flags

    newer = code._tab.Offset(_BUILTIN_CODE)
    number = code._tab.Get(Int32Flags, code._tab.Pos + newer) if newer else 0
    return max(int(code.DeprecatedBuiltinCode()), int(number))
