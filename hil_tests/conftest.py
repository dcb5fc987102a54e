"""The hardware-in-the-loop suite: one board, one link, one session; the same tests and node ids on every tier."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from host.bundle import Subject, load_subject
from host.cli.common import write_json
from host.compare.layers import Layer, Structure, read_structure
from host.compare.session import Bench
from host.compare.vectors import count_vectors, node_id
from host.errors import FirmwareFailure, HostFailure, NightjarError
from host.owned import remove_owned
from host.project import load_project
from host.report.junit import FAILURE_CLASS, add_types
from host.report.outcome import deciding, is_verdict
from host.report.verdict import describe
from host.results import remove_result

NO_BUNDLE = "give --bundle DIR (a bundle folder or a .tflite) to judge it on a board"
# Folders whose tests make their own models and boards: of the tester itself, and of every member of the frontend.
APART = tuple(Path(__file__).parent / name for name in ("tester", "family"))
STREAM = Path(__file__).with_name("test_stream.py")
ORDER = ("identity", "frontend", "tensors", "cost", "determinism", "stream", "soak")
NO_STREAM = "this firmware does not stream; generated with --stream it would"
# Share of a chunk from one to the next. The last leaves a gap between chunks.
STRIDES = {"half": 0.5, "quarter": 0.25, "gap": 1.25}


@dataclass
class Suite:
    """What a session judges, and what went wrong in it."""

    board: str
    subject: Subject
    structure: Structure
    vectors: int  # random ones
    total: int
    stream: bool
    errors: list[NightjarError] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    passed: int = 0  # tests that asked the board and passed


SUITE = pytest.StashKey[Suite]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("nightjar", "hardware in the loop")
    group.addoption("--board", default="virtual", help="virtual (default), native, ...")
    group.addoption("--wait", type=float, default=0, help="seconds to wait for a kept board")
    group.addoption(
        "--bundle", help="bundle folder or .tflite to judge; without it the suite is skipped"
    )
    group.addoption("--seed", type=int, default=0, help="of the random vectors")
    group.addoption("--vectors", type=int, default=4, help="random vectors, besides a bundle's own")
    group.addoption("--rounding", default="tflite", choices=("tflite", "tflm"))
    group.addoption(
        "--stream", action="store_true", help="make firmware that streams, and judge it"
    )
    group.addoption("--project", help="judge the ELF of this project as it lies there")
    group.addoption("--hil-out", help="folder for the project and for what reproduces a difference")
    group.addoption("--force", action="store_true", help="replace a project that was changed")
    group.addoption("--hil-error", help="write the error that decides the exit code as JSON")
    group.addoption("--hil-json", help="write the verdict as nightjar/verify/1")
    group.addoption("--hil-html", help="write the verdict as one page")
    group.addoption("--soak", type=int, default=20, help="inferences of the soak test")


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    config = session.config
    bundle = config.getoption("--bundle")
    if bundle is None:
        return
    for option in ("--hil-json", "--hil-html"):
        if config.getoption(option):
            remove_result(Path(config.getoption(option)))
    try:
        subject = load_subject(Path(bundle))
        vectors = config.getoption("--vectors")
        total = count_vectors(subject, vectors)
        structure = read_structure(subject.model)
        project = config.getoption("--project")
        stream = config.getoption("--stream") or (
            project is not None and load_project(Path(project)).description.stream
        )
    except NightjarError as error:
        pytest.exit(str(error), returncode=error.exit_code)
    board = config.getoption("--board")
    config.stash[SUITE] = Suite(board, subject, structure, vectors, total, stream)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Where a board is judged, what brings its own or has nothing to judge stays out, unless asked for by name."""
    suite = config.stash.get(SUITE, None)
    if suite is None or not (
        collection_path in APART or (collection_path == STREAM and not suite.stream)
    ):
        return None
    asked = [Path(argument.split("::")[0]).resolve() for argument in config.args]
    return None if any(path.is_relative_to(collection_path) for path in asked) else True


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Name vectors and layers at collection, so that a node id says what it judges."""
    suite = metafunc.config.stash.get(SUITE, None)
    skipped = [pytest.param(None, id="no-bundle", marks=pytest.mark.skip(reason=NO_BUNDLE))]
    if "tensor" in metafunc.fixturenames:
        pairs = [] if suite is None else _tensors(suite)
        metafunc.parametrize(
            "tensor",
            [pytest.param((v, p), id=f"{node_id(v)}-{layer.node_id}") for v, p, layer in pairs]
            or skipped,
        )
    if "vector" in metafunc.fixturenames:
        first = 0
        if suite is not None and metafunc.definition.get_closest_marker("chunks") is not None:
            first = suite.vectors
        total = 0 if suite is None else suite.total
        if suite is not None and first == total:
            reason = "a bare .tflite has no frontend, and no chunks of its own"
            skipped = [pytest.param(None, id="no-chunks", marks=pytest.mark.skip(reason=reason))]
        metafunc.parametrize(
            "vector",
            [pytest.param(v, id=node_id(v)) for v in range(first, total)] or skipped,
        )
    if "stride" in metafunc.fixturenames:
        skip = pytest.mark.skip(reason=NO_BUNDLE if suite is None else NO_STREAM)
        streams = suite is not None and suite.stream
        metafunc.parametrize(
            "stride",
            [pytest.param(share, id=name) for name, share in STRIDES.items()]
            if streams
            else [pytest.param(0.0, id="no-stream", marks=skip)],
        )
    if "layer" in metafunc.fixturenames:
        layers = () if suite is None else suite.structure.layers
        metafunc.parametrize(
            "layer",
            [pytest.param(p, id=layer.node_id) for p, layer in enumerate(layers)] or skipped,
        )


def _tensors(suite: Suite) -> list[tuple[int, int, Layer]]:
    layers = list(enumerate(suite.structure.layers))
    return [(vector, p, layer) for vector in range(suite.total) for p, layer in layers]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "chunks: judges only the bundle's own chunks")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Identity first; every case says its tier as a property."""
    here = Path(__file__).parent

    def rank(item: pytest.Item) -> tuple[int, int]:
        if item.path.parent != here:
            return (0, 0)
        name = item.path.stem.removeprefix("test_")
        return (1, ORDER.index(name) if name in ORDER else len(ORDER))

    mine = sorted((item for item in items if rank(item)[0]), key=rank)
    positions = [i for i, item in enumerate(items) if rank(item)[0]]
    for position, item in zip(positions, mine, strict=True):
        items[position] = item
        item.user_properties.append(("tier", config.getoption("--board")))


@pytest.fixture(scope="session")
def suite(request: pytest.FixtureRequest) -> Suite:
    """What is judged."""
    if SUITE not in request.config.stash:
        pytest.skip(NO_BUNDLE)
    return request.config.stash[SUITE]


@pytest.fixture(scope="session")
def bench(
    request: pytest.FixtureRequest,
    suite: Suite,
    record_testsuite_property: Any,
) -> Iterator[Bench]:
    """The board of this session, its link and what it has shown so far. Started by the first question."""
    from host.compare.prepare import default_folder, prepare

    option = request.config.getoption
    record_testsuite_property("tier", suite.board)
    out = Path(option("--hil-out")) if option("--hil-out") else None
    folder = out or default_folder(
        suite.subject, suite.board, option("--rounding"), stream=option("--stream")
    )
    remove_owned(folder / "difference")
    subject, project = prepare(
        suite.subject.path,
        suite.board,
        rounding=option("--rounding"),
        stream=option("--stream"),
        project=Path(option("--project")) if option("--project") else None,
        out=out,
        force=option("--force"),
    )
    with Bench(
        project,
        subject,
        suite.board,
        vectors=suite.vectors,
        seed=option("--seed"),
        wait=option("--wait"),
        evidence=folder / "difference",
    ) as made:
        yield made
        if option("--hil-json") or option("--hil-html"):
            _write(made, suite, option("--hil-json"), option("--hil-html"))
        if made.hello is not None:
            record_testsuite_property("build_id", made.hello.build_id.hex())
            record_testsuite_property("model_sha256", made.hello.model.hex())
        difference = made.case.first_difference()
        if difference is not None and not suite.errors:
            # Seen, but the test that says so was not among those that ran.
            raise FirmwareFailure(describe(difference))


def _write(bench: Bench, suite: Suite, json_path: str | None, html_path: str | None) -> None:
    from host.report.html import write_html

    if bench.hello is None or bench.cause is not None:
        suite.notes.append("no verdict was written: the board or the link failed")
        return
    try:
        verdict = bench.verdict()
    except HostFailure as error:
        suite.notes.append(f"no verdict was written: {error}")
        return
    write_json(json_path, verdict.as_json())
    if html_path:
        write_html(Path(html_path), verdict, title=f"{suite.subject.path.name} on {suite.board}")
    suite.notes.append(verdict.headline)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, Any, Any]:
    """Say the class of a failure; what is no verdict about the device is an error, not a failed test."""
    report = yield
    suite = item.config.stash.get(SUITE, None)
    if suite is None or "bench" not in getattr(item, "fixturenames", ()):
        return report
    suite.passed += call.when == "call" and report.passed
    if call.excinfo is None or not report.failed:
        return report
    error = call.excinfo.value
    if not isinstance(error, NightjarError):
        error = HostFailure(
            f"the suite itself failed: {type(error).__name__}: {error}",
            evidence=str(report.longrepr)[-1500:],
            next_step="this is a defect of the suite: report it",
        )
    suite.errors.append(error)
    item.user_properties.append((FAILURE_CLASS, error.failure_class))
    report.longrepr = str(error)
    if is_verdict(error):
        report.when = "call"
    elif report.when == "call":
        report.when = "setup"
    return report


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    suite = session.config.stash.get(SUITE, None)
    if suite is None:
        return
    xml = getattr(session.config.option, "xmlpath", None)
    if xml and Path(xml).is_file():
        add_types(Path(xml))
    error = deciding(suite.errors)
    if error is not None and session.exitstatus == pytest.ExitCode.TESTS_FAILED:
        session.exitstatus = error.exit_code
        if session.config.getoption("--hil-error"):
            write_json(session.config.getoption("--hil-error"), error.as_json())
    if not suite.passed and session.exitstatus == pytest.ExitCode.OK:
        suite.notes.append("nothing was judged: every test was skipped")
        session.exitstatus = pytest.ExitCode.NO_TESTS_COLLECTED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    suite = config.stash.get(SUITE, None)
    if suite is not None:
        for note in suite.notes:
            terminalreporter.write_line(note)
