"""What to do about an op that is not taken: the next step of a refusal, by the op and the types of its tensors."""

from collections.abc import Set

OP_LIST = "`nightjar inspect --ops`"
FULL_INT8 = (
    "re-export the model to full int8: give the converter a representative data set, "
    "supported_ops = [TFLITE_BUILTINS_INT8], and a fixed input shape"
)
INT16 = (
    "re-export the model with int8 activations: supported_ops = [TFLITE_BUILTINS_INT8], "
    "without EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8"
)
UINT8 = (
    "re-export the model with the converter of TensorFlow 2, which quantizes to int8: "
    "uint8 inside of a network is the scheme of before 2020"
)
STATIC = (
    "re-export the model with a fixed input shape, batch 1: sizes are then constant in the file"
)
UNROLL = (
    "re-export the model with its recurrent layers built with unroll=True and an input of a fixed batch of 1, so that "
    "no loop is left; supported_ops = [TFLITE_BUILTINS_INT8] alone, without SELECT_TF_OPS"
)
_CUSTOM = {  # by how the code of the op begins
    "Flex": "re-export the model with supported_ops = [TFLITE_BUILTINS_INT8] alone, without SELECT_TF_OPS",
    "FlexTensorList": UNROLL,
    "Signal": "leave tflite-micro's audio front end out: give the classifier behind it, whose input is the spectrogram",
    "TFLite_Detection_PostProcess": "end the model before this op, and compute it from the model's outputs",
    "": "give the .tflite as the converter wrote it, before a compiler for an NPU, and with built-in ops only",
}
CALIBRATION = (
    "calibrate again: the representative data set must hold real inputs, scaled as the model sees them; a scale so "
    "small says that this tensor hardly moved over it"
)
_LEFT_IN_FLOAT = (
    "the converter left it in float: re-export to full int8 with a representative data set; if it stays in float, "
    "TFLite has no int8 kernel for it, and the layer needs another form"
)
_FLOATS = {"float16", "float32", "float64"}
_BUILTINS = f"build the layer from the ops that {OP_LIST} lists, and convert again"


def for_custom(code: str) -> str:
    """The next step for a custom op, by its code: the longest beginning that is known."""
    return _CUSTOM[max((begin for begin in _CUSTOM if code.startswith(begin)), key=len)]


def for_unknown(name: str, types: Set[str]) -> str:
    """The next step for an op that the backend does not know; `types` of the tensors that it computes with."""
    if name == "WHILE":
        return UNROLL
    return _LEFT_IN_FLOAT if types & _FLOATS else _BUILTINS


def for_types(types: Set[str]) -> str:
    """The next step for an op that is known, but not as it is, by the types of the tensors that it computes with."""
    if "int16" in types:
        return INT16
    if types & _FLOATS:
        return FULL_INT8
    if "uint8" in types:
        return UINT8
    if types & {"int32", "int64", "bool"}:
        return STATIC
    return f"the model is int8 already: give this layer another form; {OP_LIST} says what is taken"
