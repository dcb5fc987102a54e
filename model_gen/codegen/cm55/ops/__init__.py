"""The ops of backend cm55, one file an op or family; importing this package registers every file in it."""

import importlib
import pkgutil

from model_gen.codegen.cm55.ops.registry import RULES

for _module in pkgutil.iter_modules(__path__):
    if not _module.name.endswith("_test"):
        importlib.import_module(f"{__name__}.{_module.name}")

__all__ = ["RULES"]
