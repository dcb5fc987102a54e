"""Optimizers by name. Weight decay is decoupled, and spares what is no kernel."""

from collections.abc import Callable
from typing import Any

import keras

from model_gen.runtime import replicas, tensorflow
from model_gen.training.options import TrainOptions

SGD_MOMENTUM = 0.9

# Name -> an optimizer from what all of them are told.
OPTIMIZERS: dict[str, Callable[..., Any]] = {
    "adam": keras.optimizers.Adam,
    "sgd": lambda **given: keras.optimizers.SGD(momentum=SGD_MOMENTUM, **given),
    "adamw": lambda weight_decay, **given: keras.optimizers.AdamW(
        weight_decay=weight_decay or 0.0, **given
    ),
}


def optimizer_of(options: TrainOptions, variables: list[Any]) -> Any:
    """The optimizer that the options ask for, built; under mixed precision with a loss scale."""
    name, several = options.optimizer, replicas() > 1
    optimizer = OPTIMIZERS[name](
        learning_rate=options.learning_rate,
        weight_decay=options.weight_decay or None,
        global_clipnorm=None if several else options.grad_clip or None,
        name=name,
    )
    if several and options.grad_clip:
        _clip_the_sum(optimizer, options.grad_clip)
    if options.weight_decay:
        optimizer.exclude_from_weight_decay([v for v in variables if not is_kernel(v)])
    if options.mixed_precision:
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    optimizer.build(variables)
    return optimizer


def _clip_the_sum(optimizer: Any, most: float) -> None:
    """Hold the norm of all devices' gradients together against `most`, where Keras would each device's."""
    reduce = optimizer._all_reduce_sum_gradients

    def clipped(pairs: Any) -> Any:
        gradients, variables = zip(*reduce(pairs), strict=True)
        held, _ = tensorflow().clip_by_global_norm(gradients, most)
        return list(zip(held, variables, strict=True))

    optimizer._all_reduce_sum_gradients = clipped


def is_kernel(variable: Any) -> bool:
    """Whether it is a kernel of the network behind its frontend, which decay and L2 pull to zero."""
    return variable.name == "kernel" and not variable.path.startswith(
        ("pwl", "frontend", "projector")
    )
