"""A property test that fails prints its shrunk example as a test that can be pasted and run; none is
failed by a slow machine. And tests leave alone the boards that their user keeps, unless it is a board
that is judged. Of several processes each takes the dearest file that is left.
"""

import importlib.util
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Generator, Iterator

import pytest

from host.testing_counterexample import carried, watch


def pytest_configure(config: pytest.Config) -> None:
    os.environ.pop("NIGHTJAR_EXIT_FILE", None)  # make's, for what it starts itself
    if config.getoption("--hil-bundle", None) is None:
        folder = tempfile.mkdtemp(prefix="nightjar-tests-")
        os.environ["XDG_RUNTIME_DIR"] = folder
        os.environ.pop("NIGHTJAR_BENCH", None)
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
        _share_objects(config)
    if importlib.util.find_spec("hypothesis") is None:
        return  # a bench that judges boards needs none
    from hypothesis import HealthCheck, settings

    patient = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
    settings.register_profile("anywhere", **patient)
    settings.load_profile("anywhere")


def _share_objects(config: pytest.Config) -> None:
    """Compile equal sources once a run, wherever a test puts its project, where ccache is there.

    The code is the same; places in its debug information are relative to the build folder, and not mapped as the
    project's flags would have them. Tests of those bytes ask for `compiled_anew`. What is compiled in vain without it
    is most of what the suite costs.
    """
    if shutil.which("ccache") is None or hasattr(config, "workerinput"):
        return
    folder = tempfile.mkdtemp(prefix="nightjar-objects-")
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    os.environ |= {
        "CMAKE_C_COMPILER_LAUNCHER": "ccache",
        "CCACHE_DIR": folder,
        "CCACHE_BASEDIR": "/",  # places are relative to the build folder, and so the same in each project
        "CCACHE_NOHASHDIR": "1",
        "CCACHE_SLOPPINESS": "include_file_mtime,include_file_ctime",  # headers are as new as what includes them
    }


@pytest.fixture(scope="module")
def compiled_anew() -> Iterator[None]:
    """Nothing is taken from another build."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("CMAKE_C_COMPILER_LAUNCHER", raising=False)
        yield


def pytest_itemcollected(item: pytest.Item) -> None:
    if isinstance(item, pytest.Function):
        watch(item.obj, frozenset(item.fixturenames), item.config.rootpath)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """For several processes: files that are marked slow first, then those with most tests.

    A file stays in one process, so a dear one that starts last leaves the other cores idle.
    """
    if not hasattr(config, "workerinput"):
        return
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    tests = Counter(item.path for item in items)
    items.sort(key=lambda item: (item.path not in slow, -tests[item.path]))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What was left out for want of the virtual STM32N6 is said where nobody overlooks it."""
    from host.boards.virtual_n6.build import COMMAND, find, why_not

    skipped = [
        one for one in terminalreporter.stats.get("skipped", []) if COMMAND in str(one.longrepr)
    ]
    if find() is None and skipped:
        text = f"n6-virtual is not built: {len(skipped)} tests of it were skipped; `{COMMAND}` builds it"
        reason = why_not()
        if reason:
            text += f"; the last try: {reason}"
        terminalreporter.write_line(text, yellow=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if call.excinfo is not None:
        for text in carried(call.excinfo.value):
            report.sections.append(("counter-example as a test", text))
    return report
