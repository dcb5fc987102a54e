"""The shapes that the cost table is measured over: families of single layers, each family one small Keras model.

They span what classifiers of this size have: from one place to a few thousand, from one channel to a few hundred.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Case:
    """A layer over one input, or the same shape twice. `build` makes it of Keras's layers and the inputs."""

    shapes: tuple[Shape, ...]
    build: Callable[[Any, list[Any]], Any]


def _relu(layers: Any, x: Any, relu: bool) -> Any:
    return layers.ReLU(6.0)(x) if relu else x


def _conv(
    shape: Shape,
    outputs: int,
    kernel: Any = 1,
    strides: Any = 1,
    *,
    padding: str = "same",
    relu: bool = True,
) -> Case:
    def build(layers: Any, inputs: list[Any]) -> Any:
        return _relu(
            layers, layers.Conv2D(outputs, kernel, strides, padding=padding)(inputs[0]), relu
        )

    return Case((shape,), build)


def _depthwise(
    shape: Shape,
    kernel: Any = 3,
    strides: int = 1,
    *,
    many: int = 1,
    padding: str = "same",
    relu: bool = True,
) -> Case:
    def build(layers: Any, inputs: list[Any]) -> Any:
        layer = layers.DepthwiseConv2D(kernel, strides, padding, depth_multiplier=many)
        return _relu(layers, layer(inputs[0]), relu)

    return Case((shape,), build)


def _of(make: Callable[[Any], Any], *shapes: Shape) -> Case:
    """A layer of one input, or of several."""

    def build(layers: Any, inputs: list[Any]) -> Any:
        return make(layers)(inputs if len(inputs) > 1 else inputs[0])

    return Case(shapes, build)


def _product(one: Shape, two: Shape, *, positive: bool = False) -> Case:
    def build(layers: Any, inputs: list[Any]) -> Any:
        if positive:
            inputs = [layers.Activation("sigmoid")(x) for x in inputs]
        return layers.Multiply()(inputs)

    return Case((one, two), build)


def _transposed(shape: Shape, outputs: int, kernel: int, strides: int) -> Case:
    return _of(
        lambda layers: layers.Conv2DTranspose(outputs, kernel, strides, padding="same"), shape
    )


def _squared_difference(one: Shape, two: Shape) -> Case:
    def build(layers: Any, inputs: list[Any]) -> Any:
        from model_gen.runtime import tensorflow

        function = tensorflow().math.squared_difference
        return layers.Lambda(lambda x: function(x[0], x[1]))(inputs)

    return Case((one, two), build)


FAMILIES: dict[str, tuple[Case, ...]] = {
    "pointwise": (
        _conv((1, 128, 264), 64),
        _conv((1, 64, 256), 32, relu=False),
        _conv((16, 32, 32), 64),
        _conv((8, 16, 64), 128, relu=False),
        _conv((4, 8, 128), 256),
        _conv((2, 4, 256), 256),
        _conv((16, 16, 16), 16, relu=False),
        _conv((16, 16, 24), 48),
        _conv((8, 8, 8), 8),
        _conv((1, 1, 64), 16),
        _conv((1, 1, 16), 64, relu=False),
        _conv((5, 7, 40), 20),
        _conv((25, 5, 64), 64),
        _conv((8, 8, 96), 24, relu=False),
    ),
    "pointwise, strided": (
        _conv((16, 16, 32), 64, 1, 2),
        _conv((9, 15, 16), 24, 1, 2, relu=False),
        _conv((8, 8, 128), 64, 1, 2),
        _conv((12, 20, 8), 16, 1, 2),
        _conv((4, 30, 64), 8, 1, 2, relu=False),
        _conv((10, 6, 256), 32, 1, 2),
        _conv((16, 10, 24), 96, 1, 2),
    ),
    "gathered": (
        _conv((32, 64, 1), 16, 3, (1, 2)),
        _conv((64, 32, 1), 8, 3, (1, 2), relu=False),
        _conv((32, 32, 3), 8, 3, 2),
        _conv((49, 10, 1), 64, (10, 4), 2),
        _conv((16, 16, 8), 16, 3, relu=False),
        _conv((24, 24, 4), 12, 5),
        _conv((10, 12, 24), 32, 3),
        _conv((8, 40, 12), 24, (3, 1)),
        _conv((16, 16, 3), 16, 3, padding="valid"),
        _conv((12, 12, 40), 16, 3, 2, relu=False),
        _conv((6, 30, 20), 8, (1, 3)),
        _depthwise((16, 16, 4), 3, many=2),
        _depthwise((40, 24, 1), 3, many=8, relu=False),
        _conv((20, 20, 1), 32, 5, 1),
    ),
    "rows in place": (
        _conv((16, 16, 16), 16, 3),
        _conv((8, 8, 32), 64, 3, relu=False),
        _conv((16, 16, 16), 24, 3, 2),
        _conv((1, 130, 112), 128, (1, 4), (1, 2), padding="valid", relu=False),
        _conv((1, 66, 64), 64, (1, 4), (1, 2), padding="valid", relu=False),
        _conv((10, 20, 16), 8, 5),
        _conv((1, 1024, 1), 32, (1, 16), (1, 8)),
        _conv((12, 9, 8), 40, 2),
        _conv((6, 6, 64), 32, 3),
        _conv((5, 40, 48), 16, (1, 3), relu=False),
        _conv((1, 40, 224), 32, (1, 2), (1, 2), padding="valid"),
    ),
    "depthwise of 9": (
        _depthwise((32, 64, 16)),
        _depthwise((16, 32, 32), relu=False),
        _depthwise((32, 32, 32), 3, 2),
        _depthwise((8, 16, 64)),
        _depthwise((16, 16, 64), 3, 2),
        _depthwise((8, 16, 128), 3, 2, relu=False),
        _depthwise((4, 8, 256)),
        _depthwise((2, 4, 256)),
        _depthwise((25, 5, 64)),
        _depthwise((16, 16, 8)),
        _depthwise((16, 16, 24)),
        _depthwise((15, 20, 8), 3, 2),
        _depthwise((9, 7, 40), relu=False),
        _depthwise((12, 30, 48), 3, 2),
        _depthwise((10, 10, 72)),
        _depthwise((6, 6, 32), padding="valid"),
    ),
    "depthwise of any": (
        _depthwise((16, 32, 16), 5),
        _depthwise((16, 16, 32), 5, 2),
        _depthwise((8, 16, 64), 5, relu=False),
        _depthwise((4, 8, 128), 5),
        _depthwise((12, 12, 24), 5),
        _depthwise((2, 4, 256), 5),
        _depthwise((1, 256, 64), (1, 5), relu=False),
        _depthwise((1, 128, 32), (1, 3)),
        _depthwise((8, 8, 16), 7),
        _depthwise((10, 20, 8), 5),
        _depthwise((9, 9, 48), 2),
        _depthwise((20, 11, 40), 5, 2),
    ),
    "channels": tuple(
        _depthwise(shape, 1, relu=relu)
        for shape, relu in (
            ((1, 256, 64), True),
            ((8, 16, 24), False),
            ((4, 4, 10), False),
            ((1, 64, 128), True),
            ((3, 3, 18), True),
        )
    ),
    "dense": tuple(
        _of(lambda layers, n=outputs: layers.Dense(n), (inputs,))  # type: ignore[misc]
        for inputs, outputs in ((64, 12), (256, 10), (256, 100), (128, 32), (32, 128), (8, 64), (250, 6), (512, 3))
    ),
    "elementwise": (
        *(_of(lambda layers: layers.Add(), (n,), (n,)) for n in (33, 100, 4096, 5000)),
        _of(lambda layers: layers.Add(), (8, 16, 32), (8, 16, 32)),
        *(_of(lambda layers: layers.Add(), (*s, c), (1, 1, c)) for *s, c in ((8, 8, 16), (4, 8, 64), (3, 5, 30))),
    ),
    "products": (
        *(_product(s, s) for s in ((16, 16, 16), (100,), (33,))),
        *(_product((*s, c), (1, 1, c)) for *s, c in ((8, 8, 32), (4, 8, 256), (16, 32, 16))),
        *(_product((*s, c), (1, 1, c)) for *s, c in ((2, 2, 24), (9, 5, 50))),
        *(_product((*s, c), (*s, 1)) for *s, c in ((4, 8, 64), (8, 8, 24))),
    ),
    "products of positives": (
        *(_product(s, s, positive=True) for s in ((16, 16, 16), (200,))),
        *(
            _product((*s, c), (1, 1, c), positive=True)
            for *s, c in ((8, 16, 32), (4, 8, 128), (9, 5, 20))
        ),
        *(_product((*s, c), (*s, 1), positive=True) for *s, c in ((4, 8, 128), (7, 9, 16))),
    ),
    "extremes": (
        *(_of(lambda layers: layers.Maximum(), s, s) for s in ((100,), (8, 16, 32))),
        _of(lambda layers: layers.Maximum(), (4, 8, 24), (1, 1, 24)),
        *(_of(lambda layers: layers.Minimum(), s, s) for s in ((77,), (8, 8, 16))),
    ),
    "tables": (
        *(_of(lambda layers: layers.Activation("sigmoid"), (n,)) for n in (16, 33, 1000, 4096)),
        *(_of(lambda layers: layers.Softmax(), (n,)) for n in (3, 12, 40, 64, 100, 256)),
        _of(lambda layers: layers.Softmax(), (4, 32)),
    ),
    "means": (
        *(
            _of(lambda layers: layers.GlobalAveragePooling2D(), shape)
            for shape in ((4, 8, 256), (8, 8, 64), (2, 4, 128), (16, 32, 32), (25, 5, 24), (1, 64, 16), (3, 3, 12))
        ),
        _of(lambda layers: layers.AveragePooling2D(2), (16, 16, 16)),
        *(
            _of(lambda layers: layers.AveragePooling2D((1, 3), 1, "same"), shape)
            for shape in ((1, 128, 64), (1, 128, 16), (1, 40, 24), (1, 32, 8))
        ),
        _of(lambda layers: layers.AveragePooling2D(2), (8, 10, 40)),
        _of(lambda layers: layers.AveragePooling2D((25, 5)), (25, 5, 64)),
        _of(lambda layers: layers.AveragePooling2D(8), (16, 16, 24)),
        _of(lambda layers: layers.AveragePooling2D((4, 16)), (8, 32, 12)),
        _of(lambda layers: layers.AveragePooling2D((5, 6)), (5, 36, 40)),
        _of(lambda layers: layers.AveragePooling2D(3, 2, "same"), (11, 13, 24)),
        _of(lambda layers: layers.MaxPooling2D(2), (16, 16, 16)),
        _of(lambda layers: layers.MaxPooling2D(3, 2), (15, 15, 24)),
        _of(lambda layers: layers.MaxPooling2D(3, 1, "same"), (10, 12, 40)),
        _of(lambda layers: layers.MaxPooling2D(4), (12, 12, 8)),
    ),
    "moved": (
        *(
            _of(lambda layers, a=axes: layers.Permute(a), shape)  # type: ignore[misc]
            for shape, axes in (
                ((256, 64, 1), (3, 2, 1)),
                ((264, 32, 1), (3, 2, 1)),
                ((1, 64, 64), (3, 2, 1)),
                ((64, 100, 1), (3, 2, 1)),
                ((1, 30, 24), (3, 2, 1)),
                ((16, 16, 8), (2, 1, 3)),
                ((8, 24, 16), (2, 1, 3)),
                ((6, 10, 40), (2, 1, 3)),
                ((9, 7, 100), (2, 1, 3)),
                ((16, 12, 33), (2, 1, 3)),
                ((20, 5, 4), (2, 1, 3)),
            )
        ),
        *(
            _of(lambda layers, p=padding: layers.ZeroPadding2D(p), shape)  # type: ignore[misc]
            for shape, padding in (
                ((257, 64, 1), ((0, 7), (0, 0))),
                ((16, 16, 8), 1),
                ((9, 9, 3), 2),
                ((20, 40, 4), ((0, 0), (1, 1))),
            )
        ),
        *(
            _of(lambda layers: layers.Concatenate(), *shapes)
            for shapes in (((8, 8, 16), (8, 8, 8)), ((4, 4, 64), (4, 4, 64)), ((10, 10, 24), (10, 10, 24)))
        ),
    ),
    "transposed": (
        _transposed((8, 8, 16), 8, 3, 2),
        _transposed((6, 10, 32), 16, 2, 2),
        _transposed((16, 16, 8), 8, 4, 2),
        _transposed((5, 5, 64), 32, 3, 1),
        _transposed((4, 4, 24), 12, 5, 3),
        _transposed((12, 12, 4), 4, 3, 2),
        _transposed((3, 7, 40), 24, 4, 2),
    ),
    "matrices": (
        *(
            _of(lambda layers, a=axes: layers.Dot((2, a)), one, two)  # type: ignore[misc]
            for axes, one, two in (
                (2, (16, 32), (16, 32)),
                (2, (10, 24), (30, 24)),
                (2, (64, 16), (8, 16)),
                (2, (7, 100), (9, 100)),
                (2, (3, 50), (64, 50)),
                (1, (16, 16), (16, 32)),
                (1, (10, 30), (30, 24)),
                (1, (64, 8), (8, 16)),
                (1, (5, 90), (90, 7)),
                (1, (40, 64), (64, 12)),
            )
        ),
    ),
    "resized": tuple(
        _of(lambda layers: layers.UpSampling2D(2, interpolation="bilinear"), shape)
        for shape in ((8, 8, 16), (5, 7, 24), (16, 16, 3), (4, 4, 64), (10, 3, 8))
    ),
    "largest": (
        *(
            _of(lambda layers: layers.GlobalMaxPooling2D(), shape)
            for shape in ((8, 8, 64), (25, 5, 64), (4, 4, 24), (16, 16, 10), (1, 64, 128))
        ),
        *(
            _squared_difference(one, two)
            for one, two in (((100,), (100,)), ((8, 8, 32), (8, 8, 32)), ((4, 8, 24), (1, 1, 24)), ((9, 30), (9, 1)))
        ),
    ),
}  # fmt: skip


def keras_model(cases: tuple[Case, ...]) -> Any:
    """A model of all cases side by side, each with inputs and an output of its own; weights as Keras starts them."""
    import keras

    keras.utils.set_random_seed(1)
    inputs: list[Any] = []
    outputs: list[Any] = []
    for case in cases:
        # By name: the converter keeps no order of inputs.
        own = [keras.Input(s, name=f"input_{len(inputs) + i}") for i, s in enumerate(case.shapes)]
        inputs += own
        outputs.append(case.build(keras.layers, own))
    return keras.Model(inputs, outputs)
