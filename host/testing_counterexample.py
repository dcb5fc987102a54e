"""For tests: what a property test failed on, printed as a test of its own that can be pasted and run.

`conftest.py` at the root of the project has every @given test watched. A test that shrinks by other means raises
inside `runnable`.
"""

import dataclasses
import inspect
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1]
_ATTRIBUTE = "nightjar_counterexample"


class NoSource(TypeError):
    """A value that cannot be written as source: a fixture's."""


@contextmanager
def runnable(function: Callable[..., object], **arguments: Any) -> Iterator[None]:
    """What is raised inside carries the test that calls `function`, of some module, with these arguments. Those that
    cannot be written down become fixtures of the same name."""
    try:
        yield
    except Exception as error:
        setattr(error, _ATTRIBUTE, source(function, function.__qualname__, arguments))
        raise


def watch(function: Any, fixtures: frozenset[str], root: Path = ROOT) -> None:
    """Have a @given test's examples carried by what they raise; any other function is left as it is.

    Args:
        fixtures: the names that pytest fills in; of the others, all must be such that can be written down.
        root: the folder that the pasted test is run from.
    """
    inner = getattr(getattr(function, "hypothesis", None), "inner_test", None)
    if inner is None or hasattr(inner, "watched"):
        return

    def watched(*given: Any, **arguments: Any) -> Any:
        try:
            return inner(*given, **arguments)
        except Exception as error:
            name = f"{inner.__qualname__}.hypothesis.inner_test"
            try:
                text = source(inner, name, arguments, fixtures, root=root)
            except NoSource:
                raise error from None
            setattr(error, _ATTRIBUTE, text)
            raise

    watched.watched = True  # type: ignore[attr-defined]
    function.hypothesis.inner_test = watched


def carried(error: BaseException) -> list[str]:
    """The tests that an error, or each error of a group, carries."""
    found = [getattr(error, _ATTRIBUTE)] if hasattr(error, _ATTRIBUTE) else []
    for inner in getattr(error, "exceptions", ()):
        found += carried(inner)
    return found


def source(
    function: Callable[..., object],
    name: str,
    arguments: Mapping[str, Any],
    fixtures: frozenset[str] | None = None,
    *,
    root: Path = ROOT,
) -> str:
    """A test that calls `name` of the function's module; `fixtures`: which arguments may be, None for any.

    Raises:
        NoSource: an argument can be neither written down nor a fixture.
    """
    writer = _Writer(root)
    asked, given = [], []
    for key, value in arguments.items():
        try:
            given.append(f"        {key}={writer.value(value)},\n")
        except NoSource:
            if fixtures is not None and key not in fixtures:
                raise
            asked.append(key)
            given.append(f"        {key}={key},\n")
    file = Path(inspect.getfile(inspect.unwrap(function)))
    module = writer.module(file)
    folder = file.parent.relative_to(root) if file.is_relative_to(root) else file.parent
    return (
        f"# {folder / 'counterexample_test.py'}\n"
        f"def test_counterexample({', '.join(asked)}):\n"
        f"{writer.imports()}\n"
        f"    {module}.{name}(\n{''.join(given)}    )\n"
    )


class _Writer:
    """Writes values as source and keeps what must be imported for them."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folders: set[str] = set()
        self._modules: set[str] = set()

    def imports(self) -> str:
        lines = ["import sys\n"] if self._folders else []
        lines += [f"sys.path.insert(0, {folder!r})\n" for folder in sorted(self._folders)]
        lines += ["import numpy as np\n"]
        lines += [f"import {module}\n" for module in sorted(self._modules)]
        return "".join(f"    {line}" for line in lines)

    def module(self, file: Path) -> str:
        """The name to import a file's module by; where its folder is no package, the folder is put on the path."""
        parts, folder = [file.stem], file.parent
        while (folder / "__init__.py").exists():
            parts.insert(0, folder.name)
            folder = folder.parent
        if folder != self._root:
            inside = folder.is_relative_to(self._root)
            self._folders.add(str(folder.relative_to(self._root) if inside else folder))
        self._modules.add(".".join(parts))
        return ".".join(parts)

    def value(self, value: Any) -> str:
        if value is None or isinstance(value, bool | int | str | bytes):
            if type(value) not in (type(None), bool, int, str, bytes):
                raise NoSource(type(value))  # an enumerator: its repr is no source
            return repr(value)
        if isinstance(value, float) and not isinstance(value, np.generic):
            return repr(value) if math.isfinite(value) else f"float('{value}')"
        if isinstance(value, np.ndarray | np.generic):
            return self._array(value)
        if isinstance(value, list):
            return f"[{', '.join(self.value(v) for v in value)}]"
        if type(value) is tuple:
            inside = ", ".join(self.value(v) for v in value)
            return f"({inside},)" if len(value) == 1 else f"({inside})"
        if type(value) is dict:
            return f"{{{', '.join(f'{self.value(k)}: {self.value(v)}' for k, v in value.items())}}}"
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            kind = type(value)
            name = f"{self.module(Path(inspect.getfile(kind)))}.{kind.__qualname__}"
            fields = (f for f in dataclasses.fields(value) if f.init)
            return f"{name}({', '.join(f'{f.name}={self.value(getattr(value, f.name))}' for f in fields)})"
        raise NoSource(type(value))

    def _array(self, value: Any) -> str:
        if value.dtype.kind not in "biuf" or not np.isfinite(value).all():
            raise NoSource(value.dtype)
        kind = "np.bool_" if value.dtype.kind == "b" else f"np.{value.dtype.name}"
        if isinstance(value, np.generic):
            return f"{kind}({value.item()!r})"
        if value.size == 0 or (value.ndim and value.size > 1 and (value == value.flat[0]).all()):
            filled = value.flat[0].item() if value.size else 0
            return f"np.full({value.shape!r}, {filled!r}, {kind})"
        return f"np.array({value.tolist()!r}, {kind})"
