"""The extra `tune`: whether Optuna is there, and how it is brought to say nothing itself."""

import importlib.util
import warnings
from typing import Any

from host.errors import BadInput
from host.installed import setup_command


def optuna() -> Any:
    """The package, quiet: what a trial came to is said by us.

    Raises:
        BadInput: it is not installed.
    """
    if importlib.util.find_spec("optuna") is None:
        raise BadInput(
            "--tune needs the extra tune",
            evidence="Received: --tune; the package optuna is not installed",
            next_step=setup_command("tune"),
        )
    import optuna as package

    package.logging.set_verbosity(package.logging.ERROR)
    warnings.filterwarnings("ignore", category=package.exceptions.ExperimentalWarning)
    return package
