"""What a user adds to a run: callbacks of theirs, and TensorBoard's."""

import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

import keras

from host.errors import BadInput, NightjarError
from host.installed import setup_command
from model_gen.training.options import TrainOptions

# What Keras calls of a callback in training.
_HOOKS = (
    *("set_model", "set_params", "on_train_begin", "on_train_end"),
    *("on_epoch_begin", "on_epoch_end", "on_batch_begin", "on_batch_end"),
    *("on_train_batch_begin", "on_train_batch_end"),
)


def extensions_of(options: TrainOptions) -> tuple[Any, ...]:
    """The callbacks that the options name, ready for `keras.Model.fit`.

    Raises:
        BadInput: one cannot be made; its text says why.
    """
    made: list[Any] = []
    if options.callback is not None:
        made += user_callbacks(options.callback)
    if options.tensorboard is not None:
        made.append(tensorboard_callback(options.tensorboard))
    return tuple(made)


def user_callbacks(spec: str) -> list[Any]:
    """The callback, or the callbacks, that the factory `package.module:factory` gives.

    It is called without arguments. Modules are found as in Python, and in the present folder.

    Raises:
        BadInput: there is no such factory, it fails, or it gives something else.
    """
    module_name, _, factory_name = spec.partition(":")
    if not module_name or not factory_name:
        raise _refusal(spec, "it has no colon between module and factory")
    here = str(Path.cwd())
    try:
        with _importable(here):
            factory: Any = importlib.import_module(module_name)
            for part in factory_name.split("."):
                factory = getattr(factory, part)
            made = factory()
    except (Exception, SystemExit) as error:  # whatever a user's module raises
        raise _refusal(spec, f"{type(error).__name__}: {error}") from error
    callbacks = list(made) if isinstance(made, (list, tuple)) else [made]
    for callback in callbacks:
        if not isinstance(callback, keras.callbacks.Callback):
            raise _refusal(spec, f"it gave {type(callback).__name__}, no keras.callbacks.Callback")
        _prepare(callback, spec, here)
    return callbacks


def tensorboard_callback(folder: Path) -> Any:
    """Keras's callback that writes into `folder` what TensorBoard shows.

    Raises:
        BadInput: the package is not installed.
    """
    if importlib.util.find_spec("tensorboard") is None:
        raise BadInput(
            "--tensorboard needs the package tensorboard",
            evidence=f"Received: --tensorboard {folder}; the package is not installed",
            next_step=f"install it: {setup_command('tensorboard')}",
        )
    return keras.callbacks.TensorBoard(str(folder), write_graph=False)


class CallbackFailed(Exception):
    """A user's callback raised something in training; the text says which, and what."""


@contextmanager
def _importable(folder: str) -> Iterator[None]:
    """Find modules in `folder`, too, after everywhere else."""
    if folder in sys.path:
        yield
        return
    sys.path.append(folder)
    try:
        yield
    finally:
        if folder in sys.path:  # unless the user's code took it away
            sys.path.remove(folder)


def _prepare(callback: Any, spec: str, folder: str) -> None:
    """Let a user's callback import from `folder` in training, and what it raises be told as theirs."""
    for hook in _HOOKS:
        own = getattr(type(callback), hook) is not getattr(keras.callbacks.Callback, hook)
        if own or hook in vars(callback):
            setattr(callback, hook, _told(getattr(callback, hook), spec, folder))


def _told(method: Callable[..., Any], spec: str, folder: str) -> Callable[..., Any]:
    @wraps(method)
    def call(*given: Any, **named: Any) -> Any:
        try:
            with _importable(folder):
                return method(*given, **named)
        except NightjarError:
            raise
        except (Exception, SystemExit) as error:  # whatever a user's callback raises
            raise CallbackFailed(
                f"--callback {spec}, whose {method.__name__} raised {type(error).__name__}: {error}"
            ) from error

    return call


def _refusal(spec: str, reason: str) -> BadInput:
    return BadInput(
        "--callback must be package.module:factory, which gives a keras.callbacks.Callback",
        evidence=f"Received: {spec}: {reason}",
        next_step="for example --callback keras.callbacks:TerminateOnNaN",
    )
