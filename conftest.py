"""A property test that fails prints its shrunk example as a test that can be pasted and run."""

from collections.abc import Generator

import pytest

from host.testing_counterexample import carried, watch


def pytest_itemcollected(item: pytest.Item) -> None:
    if isinstance(item, pytest.Function):
        watch(item.obj, frozenset(item.fixturenames), item.config.rootpath)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if call.excinfo is not None:
        for text in carried(call.excinfo.value):
            report.sections.append(("counter-example as a test", text))
    return report
