"""pytest's plugin: the hardware-in-the-loop suite, and the fixtures of a user's own tests (hil_tests/fixtures.py).

Every pytest of an environment with Nightjar loads it, most of them for nothing: what judges a board
(hil_tests/judging.py) is imported by a run that judges one, what a fixture needs by the fixture.
"""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from hil_tests.options import OF_USERS, SUITE, add_options, take_settings
from host.errors import NightjarError
from host.exit_codes import Exit
from host.installed import IS_CHECKOUT

HERE = Path(__file__).parent
pytest_plugins = ("hil_tests.fixtures",)
NO_BUNDLE = "give --bundle DIR (a bundle folder or a .tflite) to judge it on a board"
TOLD = pytest.StashKey[bool]()  # whether what the board told has been shown


@pytest.hookimpl(trylast=True)
def pytest_load_initial_conftests(parser: pytest.Parser) -> None:
    add_options(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "soak: 1,000 inferences on one link")
    config.addinivalue_line(
        "markers", "asks(kind): a test that puts questions of a kind to a board"
    )
    take_settings(config)
    if _judges(config):
        from hil_tests import judging

        config.pluginmanager.register(judging, judging.__name__)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    config = session.config
    if not _judges(config) and any(judges(path) for path in _named(config)):
        pytest.exit(f"INPUT: {NO_BUNDLE}", returncode=Exit.INPUT)


def judges(path: Path) -> bool:
    """Whether a path is one of the modules that judge a board, or the folder of them all."""
    return path == HERE or (path.parent == HERE and path.name.startswith("test_"))


def _named(config: pytest.Config) -> list[Path]:
    """The paths and packages that somebody gave, and not the configuration."""
    if config.args_source is pytest.Config.ArgsSource.TESTPATHS:
        return []
    return [place_of(argument, config) for argument in config.args]


def place_of(argument: str, config: pytest.Config) -> Path:
    """The file or folder of an argument: a path, or with --pyargs a module."""
    word = argument.split("::")[0]
    package, *below = word.split(".")
    if config.getoption("pyargs") and package == HERE.name and not Path(word).exists():
        folder = HERE.joinpath(*below)
        return folder if folder.is_dir() else folder.with_suffix(".py")
    return (config.invocation_params.dir / word).resolve()


def _judges(config: pytest.Config) -> bool:
    """Whether this run judges a board: it has a bundle, and the suite is asked for or lies below what is."""
    if config.getoption("--hil-bundle") is None:
        return False
    above = [place_of(argument, config) for argument in config.args]
    return any(
        path.is_relative_to(HERE) or (IS_CHECKOUT and HERE.is_relative_to(path)) for path in above
    )


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Where no board is judged, the tests that judge one are none."""
    judged = SUITE in config.stash
    return True if not judged and judges(collection_path) and collection_path != HERE else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, Any, Any]:
    """What a board told goes with the failure, and an error of ours says more than where it was raised."""
    report = yield
    _tell(item, report)
    raised = None if call.excinfo is None else call.excinfo.value
    if isinstance(raised, NightjarError) and OF_USERS & {*getattr(item, "fixturenames", ())}:
        report.longrepr = str(raised)
    return report


def _tell(item: pytest.Item, report: pytest.TestReport) -> None:
    """With the first test that fails on a board, what its firmware logged and the virtual chip noted until then."""
    if not report.failed or item.config.stash.get(TOLD, False):
        return
    found = getattr(item, "funcargs", {})
    # A fixture of somebody else may have the name of ours.
    lines = getattr(found.get("suite_bench") or found.get("bench"), "told", ())
    if isinstance(lines, tuple) and lines:
        item.config.stash[TOLD] = True
        report.sections += [("What the board told", "\n".join(lines))]
