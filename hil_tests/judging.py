"""A run of pytest that judges a board: the suite, one board, one link, one session; the same tests on every tier.

What a test asks and is answered goes into a proof (host/compare/proof.py). The exit status is made from that, and not
from what pytest makes of the tests: marks, plugins and options change neither.
"""

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from hil_tests.options import SUITE
from hil_tests.plugin import HERE, judges, place_of
from hil_tests.suite import WORKERS, Ask, Suite, place_proof, say
from host.compare.answers import ask as ask_bench
from host.compare.bench import Bench
from host.compare.minutes import follows
from host.compare.questions import Kind, Question, case_id
from host.errors import Defect, HostFailure, NightjarError
from host.exit_codes import Exit, name_of
from host.recording.manifest import Test
from host.report.junit import FAILURE_CLASS, CaseRecord
from host.report.verdict import Verdict
from host.results import remove_result

# Folders whose tests make their own models and boards: of the tester itself, and of every member of the frontend.
APART = (HERE / "tester", HERE / "family")
ORDER = ("identity", "frontend", "tensors", "cost", "determinism", "stream", "soak")

BROKEN = HostFailure(
    "pytest met an internal error",
    evidence="what it said is above",
    next_step="leave out the plugin that it names, or report it",
)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Status(config))
    place_proof(config)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    config = session.config
    for option in ("--hil-json", "--hil-html", "--hil-record"):
        if config.getoption(option):
            remove_result(Path(config.getoption(option)))
    try:
        config.stash[SUITE] = Suite.open(config)
    except NightjarError as error:
        pytest.exit(str(error), returncode=error.exit_code)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """The tester's own tests stay out unless asked for."""
    if collection_path not in APART:
        return None
    asked = [place_of(argument, config) for argument in config.args]
    return None if any(path.is_relative_to(collection_path) for path in asked) else True


def _kind(function: Any) -> Kind | None:
    marks = [mark for mark in getattr(function, "pytestmark", []) if mark.name == "asks"]
    return Kind(marks[0].args[0]) if marks else None


def pytest_pycollect_makeitem(collector: Any, name: str, obj: Any) -> list[Any] | None:
    """A question that does not apply is no test."""
    kind = _kind(obj)
    return [] if kind is not None and not collector.config.stash[SUITE].tests(kind) else None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Name vectors and layers at collection, so that a node id says what it judges."""
    suite, kind = metafunc.config.stash[SUITE], _kind(metafunc.function)
    if kind is None:
        return
    named = [
        (question, case_id(question, suite.session.structure)) for question in suite.tests(kind)
    ]
    if any(name for _, name in named):
        values = [pytest.param(question, id=name) for question, name in named]
        metafunc.parametrize("question", values, indirect=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Identity first; every case says its tier and the kind of its firmware as properties."""

    def rank(item: pytest.Item) -> tuple[int, int]:
        if item.path.parent != HERE:
            return (0, 0)
        name = item.path.stem.removeprefix("test_")
        return (1, ORDER.index(name) if name in ORDER else len(ORDER))

    mine = sorted((item for item in items if rank(item)[0]), key=rank)
    session = config.stash[SUITE].session
    positions = [i for i, item in enumerate(items) if rank(item)[0]]
    for position, item in zip(positions, mine, strict=True):
        items[position] = item
        item.user_properties.append(("tier", session.board))
        item.user_properties.append(("board", session.project.description.board))
        if session.at is not None and session.at.stands:
            item.user_properties.append(("stands", session.at.stands))


@pytest.fixture(scope="session")
def suite_bench(request: pytest.FixtureRequest, record_testsuite_property: Any) -> Iterator[Bench]:
    """The board of the suite, its link and what it has shown so far. Started by the first question."""
    suite = request.config.stash[SUITE]
    record_testsuite_property("tier", suite.session.board)
    record_testsuite_property("board", suite.session.project.description.board)
    with Bench(suite.session) as made:
        yield made
        suite.ended(made)
        if made.hello is not None:
            record_testsuite_property("build_id", made.hello.build_id.hex())
            record_testsuite_property("model_sha256", made.hello.model.hex())


@pytest.fixture
def question(request: pytest.FixtureRequest) -> Question:
    """What a test asks."""
    asked: Question = getattr(request, "param", None) or Question(_kind(request.function) or "")
    return asked


@pytest.fixture
def ask(suite_bench: Bench, request: pytest.FixtureRequest) -> Ask:
    """Put a question to the board, and fail where the answer is wrong. One cause is one failure."""
    suite = request.config.stash[SUITE]

    def put(question: Question) -> None:
        suite.asks(Test(**_place(request.node)))
        entry = suite.session.held.get(question.id)
        if entry is not None:
            with suite_bench.asking(question.id):
                pass  # a recording has the test all the same
            pytest.skip(entry.why)
        answer = ask_bench(suite_bench, question, soak=request.config.getoption("--hil-soak"))
        leader = suite.take(suite_bench, answer)
        request.node.user_properties += list(answer.figures.items())
        if answer.failure is None:
            return
        if leader is not None:
            pytest.skip(follows(leader, answer.failure))
        raise answer.failure

    return put


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, Any, Any]:
    """Write down how a test ended; what is no verdict about the device is an error, not a failed test."""
    report = yield
    if "suite_bench" not in getattr(item, "fixturenames", ()):
        return report
    suite = item.config.stash[SUITE]
    raised = None if call.excinfo is None else call.excinfo.value
    if raised is None or isinstance(raised, pytest.skip.Exception):
        if call.when == "call" or raised is not None:
            outcome = "passed" if raised is None else "skipped"
            suite.case(_case(item, call, outcome, message=str(raised or "")))
        return report
    error: NightjarError
    if isinstance(raised, NightjarError):
        error = raised
    elif isinstance(raised, pytest.fail.Exception):  # pytest-timeout, or another plugin
        error = HostFailure(
            f"a plugin of pytest ended the test: {raised}",
            next_step="give the test more time, or leave the plugin out",
        )
    else:
        error = Defect(
            f"the suite itself failed: {type(raised).__name__}: {raised}",
            evidence=str(report.longrepr)[-1500:],
            next_step="this is a defect of the suite: report it",
        )
    if call.when != "call" or not isinstance(raised, NightjarError):
        suite.error(error)
    outcome = "failed" if error.is_verdict else "error"
    suite.case(_case(item, call, outcome, error.failure_class, error.what, str(error)))
    if report.failed:
        item.user_properties.append((FAILURE_CLASS, error.failure_class))
        report.longrepr = str(error)
        if error.is_verdict:
            report.when = "call"
        elif report.when == "call":
            report.when = "setup"
    return report


def _case(
    item: pytest.Item,
    call: pytest.CallInfo[None],
    outcome: str,
    kind: str = "",
    message: str = "",
    text: str = "",
) -> CaseRecord:
    return CaseRecord(
        **_place(item),
        outcome=outcome,
        seconds=round(call.duration, 6),
        kind=kind,
        message=message,
        text=text,
    )


def _place(item: pytest.Item) -> dict[str, Any]:
    """Where a test stands, as reports name it: a module of the suite the same wherever it is installed."""
    file, line, _ = item.location
    module = item.nodeid.split("::")[0]
    if judges(item.path):
        file = module = f"{HERE.name}/{item.path.name}"
    classname = module.removesuffix(".py").replace("/", ".")
    return {"classname": classname, "name": item.name, "file": file, "line": (line or 0) + 1}


def _told(verdict: Verdict) -> list[str]:
    return [verdict.headline, *(one.line for one in verdict.quarantined)]


class Status:
    """Sets the exit status when all else is done: what a plugin makes of the tests comes too early to change it."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._interrupted = False
        self._others = False  # whether a test failed that judges no board

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a process of xdist where its part of the proof goes."""
        option = self._config.option
        node.workerinput[WORKERS] = (option.hil_proof, option.hil_nonce)

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        # pytest's own ways to stop early are KeyboardInterrupts, too.
        self._interrupted = type(excinfo.value) is KeyboardInterrupt

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        path = self._config.rootpath / report.nodeid.split("::")[0]
        self._others = self._others or (report.failed and not judges(path))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, Any, Any]:
        result = yield
        suite = self._config.stash.get(SUITE, None)
        if suite is not None and session.exitstatus == pytest.ExitCode.INTERNAL_ERROR:
            suite.error(BROKEN)
        conclusion = None if suite is None else suite.finish(self._config)
        if conclusion is None:
            return result
        code = Exit.SIGINT if self._interrupted else conclusion.code
        if code != Exit.OK or not self._others:
            session.exitstatus = code
        lines = [] if conclusion.error is None else [str(conclusion.error)]
        lines += [] if conclusion.verdict is None else _told(conclusion.verdict)
        beside = " of the suite; other tests failed" if code == Exit.OK and self._others else ""
        for line in [*lines, f"exit code {int(code)} {name_of(code)}{beside}"]:
            say(self._config, line)
        return result
