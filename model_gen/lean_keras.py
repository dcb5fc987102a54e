"""Keras without wrappers and pictures that nobody here asks it for.

Where scikit-learn and matplotlib are installed Keras imports both, for wrappers around the one and galleries drawn by
the other: a third of what `import tensorflow` costs, in each of many processes. Where they are missing it does
without; so to those modules of Keras's, and to nobody else, they are.
"""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import spec_from_file_location
from types import ModuleType

# Module of Keras's -> what it imports if it can.
_OPTIONAL = {
    "keras.src.wrappers.fixes": "sklearn",
    "keras.src.wrappers.utils": "sklearn",
    "keras.src.wrappers.sklearn_wrapper": "sklearn",
    "keras.src.visualization.plot_image_gallery": "matplotlib",
    "keras.src.visualization.plot_bounding_box_gallery": "matplotlib",
}


class _Without(SourceFileLoader):
    """Runs a module to which its optional package is missing, unless that is imported already."""

    def exec_module(self, module: ModuleType) -> None:
        package = _OPTIONAL[module.__name__]
        if package in sys.modules:
            super().exec_module(module)
            return
        sys.modules[package] = None  # type: ignore[assignment]  # its import is an ImportError
        try:
            super().exec_module(module)
        finally:
            del sys.modules[package]


class _Lean(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in _OPTIONAL:
            return None
        found = PathFinder.find_spec(fullname, path, target)
        if found is None or found.origin is None:
            return None
        return spec_from_file_location(
            fullname, found.origin, loader=_Without(fullname, found.origin)
        )


def install() -> None:
    """From the next import of Keras on; once is enough, and more do nothing."""
    if not any(isinstance(finder, _Lean) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Lean())
