"""Several devices, as `tf.distribute` has them: which strategies train, and what of a batch each gets."""

import json
from collections.abc import Mapping
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


def check_alone(environment: Mapping[str, str]) -> None:
    """Refuse to train as one of several workers: each would train a model of its own, into one place.

    Args:
        environment: of the process. TF_CONFIG, which a cluster's scheduler sets, names the workers;
            what is no such JSON is not for us to judge.

    Raises:
        BadInput: there are several.
    """
    try:
        cluster = json.loads(environment.get("TF_CONFIG", "{}"))["cluster"]
        workers = [one for job in ("chief", "worker") for one in cluster.get(job, ())]
    except (ValueError, LookupError, TypeError, AttributeError):
        return
    if len(workers) > 1:
        raise _no_workers(
            f"TF_CONFIG with {len(workers)} workers", "unset TF_CONFIG and train on one machine"
        )


def _no_workers(received: str, instead: str) -> BadInput:
    return BadInput(
        "MultiWorkerMirroredStrategy does not train here: Keras's fit cannot run it",
        evidence=f"Received: {received}",
        next_step=f"{instead}, whose GPUs are shared by MirroredStrategy; several "
        "share `nightjar train --tune --storage` and `nightjar teach --shard`",
    )


def check_one_device(option: str) -> None:
    """Refuse several devices to what trains on one.

    Raises:
        BadInput: a strategy has several.
    """
    count = replicas()
    if count > 1:
        raise BadInput(
            f"{option} trains on one device",
            evidence=f"Received: a strategy of {count} devices",
            next_step="call it outside of the strategy's scope",
        )


def check_strategy(batch_size: int) -> None:
    """Refuse what does not train, or not as one device would.

    Raises:
        BadInput: the strategy has several workers, or a batch cannot be shared out evenly.
    """
    tf = tensorflow()
    strategy = tf.distribute.get_strategy()
    if isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        raise _no_workers(type(strategy).__name__, "train on one machine")
    count = replicas()
    if batch_size % count:
        raise BadInput(
            f"--batch-size must be a multiple of the {count} devices that share a batch",
            evidence=f"Received: --batch-size {batch_size}",
            next_step=f"give --batch-size {max(1, batch_size // count) * count}",
        )
