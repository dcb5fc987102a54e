"""Many inferences on one link, each with its input loaded anew: nothing lost, nothing wrong."""

from collections.abc import Callable

import pytest

from host.compare.session import Bench
from host.errors import FirmwareFailure


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_soak(
    bench: Bench, request: pytest.FixtureRequest, record_property: Callable[[str, object], None]
) -> None:
    """--soak inferences; the full measure is 1,000."""
    wanted = request.config.getoption("--soak")
    result = bench.soak(wanted)
    record_property("inferences", result.inferences)
    record_property("retries", result.retries)
    record_property("seconds", round(result.seconds, 3))
    if result.wrong or result.inferences != wanted:
        raise FirmwareFailure(
            f"{result.wrong} of {result.inferences} inferences gave other scores than the reference",
            next_step="`nightjar verify` with the same bundle finds the first tensor that differs",
        )
