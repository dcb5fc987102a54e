"""Which rounding rule each op's reference follows: of the pinned TFLite ("tflite") and of tflite-micro ("tflm").

Measured against both interpreters; firmware/kernels/README.md has the table with its evidence.
"""

# op -> (pinned TFLite's BUILTIN_REF, tflite-micro). "real" is one rounding of a product in IEEE double.
_TABLE = {
    "CONV_2D": ("double", "double"),
    "DEPTHWISE_CONV_2D": ("double", "double"),
    "TRANSPOSE_CONV": ("double", "double"),
    "FULLY_CONNECTED": ("real", "double"),
    "BATCH_MATMUL": ("double", "double"),
    "ADD": ("double", "double"),
    "SUB": ("double", "double"),
    "SQUARED_DIFFERENCE": ("double", "double"),
    "MUL": ("double", "double"),
    "DIV": ("double", "double"),
    **dict.fromkeys(("GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL"), ("double", "double")),
    **dict.fromkeys(("EQUAL", "NOT_EQUAL"), ("double", "double")),
    "MEAN": ("double", "double"),
    "SUM": ("double", "double"),
    "PRELU": ("double", "double"),
    "LOG_SOFTMAX": ("double", "double"),
    "L2_NORMALIZATION": ("double", "double"),
    "SOFTMAX": ("double", "double"),
    "RELU": ("double", "double"),
    "RELU6": ("double", "double"),
    "RELU_N1_TO_1": ("double", "double"),
    "RELU_0_TO_1": ("double", "double"),
    "RSQRT": ("double", "double"),
    "LEAKY_RELU": ("double", "double"),
    "QUANTIZE": ("double", "double"),
}


def rule_of(op: str, rounding: str) -> str:
    """ "single", "double" or "real" for `op` under `rounding` ("tflite" or "tflm")."""
    return _TABLE[op][("tflite", "tflm").index(rounding)]


def c_enum(rule: str) -> str:
    """The enumerator of enum nj_rounding."""
    return {"single": "NJ_ROUND_SINGLE", "double": "NJ_ROUND_DOUBLE", "real": "NJ_ROUND_REAL"}[rule]
