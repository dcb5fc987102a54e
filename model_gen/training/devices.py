"""Several devices, as `tf.distribute` has them: which strategies train, and what of a batch each gets."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

from host.errors import BadInput
from model_gen.runtime import replicas, tensorflow


def over_devices() -> AbstractContextManager[Any]:
    """The scope of a MirroredStrategy over all GPUs, where there are several and nobody chose another."""
    tf = tensorflow()
    gpus = [one.name for one in tf.config.list_logical_devices("GPU")]
    if len(gpus) < 2 or tf.distribute.has_strategy():
        return nullcontext()
    scope: AbstractContextManager[Any] = tf.distribute.MirroredStrategy(gpus).scope()
    return scope


def check_strategy(batch_size: int) -> None:
    """Refuse what does not train, or not as one device would.

    Raises:
        BadInput: the strategy has several workers, or a batch cannot be shared out evenly.
    """
    tf = tensorflow()
    strategy = tf.distribute.get_strategy()
    if isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        raise BadInput(
            "MultiWorkerMirroredStrategy does not train here: Keras's fit cannot run it",
            evidence=f"Received: {type(strategy).__name__}",
            next_step="train on one machine, whose GPUs are shared by MirroredStrategy; several "
            "share `nightjar train --tune --storage` and `nightjar teach --shard`",
        )
    count = replicas()
    if batch_size % count:
        raise BadInput(
            f"--batch-size must be a multiple of the {count} devices that share a batch",
            evidence=f"Received: --batch-size {batch_size}",
            next_step=f"give --batch-size {max(1, batch_size // count) * count}",
        )
