"""Ways to call the suite that could hide a failure, and the exit codes that each must give all the same."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from host.exit_codes import Exit


class Asked(Enum):
    """How much of the suite a call asks a board, which decides its code on each kind of firmware and link."""

    ALL = "everything"
    SOME = "a part, with at least one vector"
    FEW = "a part, without a vector"
    NOTHING = "nothing"
    REFUSED = "nothing: it is no call of the suite"
    CUT = "everything, and then the process is ended"
    BROKEN = "nothing: pytest breaks"


# What answers -> the code, by how much is asked.
CODES: dict[Asked, dict[str, Exit]] = {
    asked: dict(zip(("good", "damaged", "foreign", "dead"), codes, strict=True))
    for asked, codes in {
        Asked.ALL: (Exit.OK, Exit.FIRMWARE, Exit.IDENTITY, Exit.LINK),
        Asked.SOME: (Exit.INCOMPLETE, Exit.FIRMWARE, Exit.IDENTITY, Exit.LINK),
        Asked.FEW: (Exit.INCOMPLETE, Exit.INCOMPLETE, Exit.IDENTITY, Exit.LINK),
        Asked.NOTHING: (Exit.INCOMPLETE,) * 4,
        Asked.REFUSED: (Exit.INPUT,) * 4,
        Asked.CUT: (Exit.HOST, Exit.FIRMWARE, Exit.IDENTITY, Exit.LINK),
        Asked.BROKEN: (Exit.HOST,) * 4,
    }.items()
}


@dataclass(frozen=True)
class Invocation:
    """A call of the suite.

    name: unique. arguments: for pytest. plugin: source of a pytest plugin that is loaded. asked: see above.
    direct: pytest itself instead of `nightjar hil`. bundle: whether it is told what to judge. modules: of the suite,
    instead of all. quick: belongs to the few that are called in every test run.
    """

    name: str
    arguments: tuple[str, ...] = ()
    plugin: str = ""
    asked: Asked = Asked.ALL
    direct: bool = False
    bundle: bool = True
    modules: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    quick: bool = False


_MARK = """
import pytest
def pytest_collection_modifyitems(items):
    for item in items:
        item.add_marker(pytest.mark.{mark})
"""
_XFAIL = _MARK.format(mark="xfail")
# Calls every test passed, as some reporting plugin might by mistake.
_REWRITE = """
import pytest
@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item, call):
    report = yield
    report.outcome, report.longrepr = "passed", None
    return report
"""
_SKIP_TENSORS = """
import pytest
def pytest_collection_modifyitems(items):
    for item in items:
        if "test_tensor" in item.name:
            item.add_marker(pytest.mark.skip(reason="too slow"))
"""
_STATUS = """
import pytest
@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    session.exitstatus = 0
"""
_DROP = """
def pytest_collection_modifyitems(items):
    items[:] = items[:1]
"""
_ENDS = """
import os, signal
def pytest_runtest_logreport(report):
    if "soak" in report.nodeid and report.when == "teardown":
        {how}
"""
_KILL = _ENDS.format(how="os.kill(os.getpid(), signal.SIGKILL)")
_TERM = _ENDS.format(how="os.kill(os.getpid(), signal.SIGTERM)")
_EXIT_0 = _ENDS.format(how="os._exit(0)")
_EXIT_1 = _ENDS.format(how="os._exit(1)")  # as pytest-timeout's thread method does
_EXIT_19 = _ENDS.format(how="os._exit(19)")
_EARLY_0 = """
import os
def pytest_collection_finish():
    os._exit(0)
"""
_RAISES = """
def pytest_collection_finish():
    raise RuntimeError("a plugin's own fault")
"""
_RETRY = """
import pytest
def pytest_collection_modifyitems(items):
    for item in items:
        item.add_marker(pytest.mark.flaky(reruns=2))
"""

HIL = (
    Invocation("whole", quick=True),
    Invocation("xfail by a plugin", plugin=_XFAIL, quick=True),
    Invocation("xfail, strict", ("-o", "xfail_strict=true"), _XFAIL),
    Invocation("xfail in PYTEST_ADDOPTS", environment={"PYTEST_ADDOPTS": "-p"}, plugin=_XFAIL),
    Invocation("outcomes rewritten", plugin=_REWRITE, quick=True),
    Invocation("exit status rewritten", plugin=_STATUS),
    Invocation(
        "everything skipped", plugin=_MARK.format(mark='skip(reason="no")'), asked=Asked.NOTHING
    ),
    Invocation("tensors skipped", plugin=_SKIP_TENSORS, asked=Asked.SOME),
    Invocation("tests dropped", plugin=_DROP, asked=Asked.FEW),
    Invocation("-n 2", ("-n", "2"), quick=True),
    Invocation("-n 2 by file", ("-n", "2", "--dist", "loadfile")),
    Invocation("-n 2 and xfail", ("-n", "2"), _XFAIL),
    Invocation("-n 2 and -k", ("-n", "2", "-k", "vec00"), asked=Asked.SOME),
    Invocation("reruns", ("--reruns", "2"), quick=True),
    Invocation("reruns by a mark", plugin=_RETRY),
    Invocation("-x", ("-x",)),
    Invocation("--maxfail", ("--maxfail", "2")),
    Invocation("--lf", ("--lf",)),
    Invocation("--ff", ("--ff",)),
    Invocation("--sw", ("--sw",), quick=True),
    Invocation("-k identity", ("-k", "identity"), asked=Asked.FEW, quick=True),
    Invocation("-k not identity", ("-k", "not identity"), asked=Asked.SOME),
    Invocation("-k vec00", ("-k", "vec00"), asked=Asked.SOME),
    Invocation("-k without a match", ("-k", "nothing_like_it"), asked=Asked.NOTHING),
    Invocation("-m soak", ("-m", "soak"), asked=Asked.SOME),
    Invocation("-m not soak", ("-m", "not soak"), asked=Asked.SOME),
    Invocation("--collect-only", ("--collect-only",), asked=Asked.NOTHING, quick=True),
    Invocation("--fixtures", ("--fixtures",), asked=Asked.NOTHING),
    Invocation("--setup-plan", ("--setup-plan",), asked=Asked.NOTHING),
    Invocation("--version", ("--version",), asked=Asked.NOTHING),
    Invocation("unknown option", ("--no-such-option",), asked=Asked.REFUSED),
    Invocation("unknown plugin", ("-p", "no_such_plugin"), asked=Asked.REFUSED),
    Invocation("SIGKILL", plugin=_KILL, asked=Asked.CUT, quick=True),
    Invocation("SIGTERM", plugin=_TERM, asked=Asked.CUT),
    Invocation("os._exit(0) at the end", plugin=_EXIT_0, asked=Asked.CUT, quick=True),
    Invocation("os._exit(1) at the end", plugin=_EXIT_1, asked=Asked.CUT),
    Invocation("os._exit(19) at the end", plugin=_EXIT_19, asked=Asked.CUT),
    Invocation("os._exit(0) at the beginning", plugin=_EARLY_0, asked=Asked.BROKEN),
    Invocation("internal error", plugin=_RAISES, asked=Asked.BROKEN),
)
DIRECT = (
    Invocation("pytest", direct=True, quick=True),
    Invocation("pytest, xfail by a plugin", plugin=_XFAIL, direct=True),
    Invocation("pytest, outcomes rewritten", plugin=_REWRITE, direct=True),
    Invocation("pytest -n 2", ("-n", "2"), direct=True),
    Invocation("pytest -x", ("-x",), direct=True),
    Invocation("pytest --sw", ("--sw",), direct=True),
    Invocation("pytest -k vec00", ("-k", "vec00"), asked=Asked.SOME, direct=True),
    Invocation("pytest, no bundle", direct=True, bundle=False, asked=Asked.REFUSED, quick=True),
    Invocation(
        "pytest of a module, no bundle",
        direct=True,
        bundle=False,
        modules=("test_cost.py",),
        asked=Asked.REFUSED,
    ),
)
INVOCATIONS = HIL + DIRECT
