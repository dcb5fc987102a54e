"""What TFLite's loader takes amiss and its kernels ignore: the quantized axis of a tensor of one dimension.

Older converters give a bias the axis of its four-dimensional weights. No kernel reads it, but the loader refuses
an axis that the tensor does not have.
"""

import struct

# Where vtables of the schema keep QuantizationParameters.quantized_dimension.
_QUANTIZED_DIMENSION = 16


def with_axes_in_range(tflite: bytes) -> tuple[bytes, int]:
    """The model, and how many of its tensors of one dimension had an axis other than 0, which it now is.

    Nothing else is changed. Bytes that cannot be followed are returned as they are, for the loader to refuse.
    """
    from tflite import Model

    content = bytearray(tflite)
    changed = 0
    try:
        model = Model.GetRootAs(tflite, 0)
        for i in range(model.SubgraphsLength()):
            graph = model.Subgraphs(i)
            for j in range(graph.TensorsLength()):
                tensor = graph.Tensors(j)
                quantization = tensor.Quantization()
                if tensor.ShapeLength() == 1 and quantization and quantization.QuantizedDimension():
                    table = quantization._tab
                    struct.pack_into(
                        "<i", content, table.Pos + table.Offset(_QUANTIZED_DIMENSION), 0
                    )
                    changed += 1
    except (struct.error, IndexError, ValueError, TypeError, AttributeError):
        return tflite, 0
    return bytes(content), changed
