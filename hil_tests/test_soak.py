"""Many inferences on one link, each with its input loaded anew: nothing lost, nothing wrong."""

import pytest

from host.compare.session import Bench
from host.errors import FirmwareFailure


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_soak(bench: Bench, request: pytest.FixtureRequest) -> None:
    """--soak inferences; the full measure is 1,000."""
    wanted = request.config.getoption("--soak")
    result = bench.soak(wanted)
    request.node.user_properties.append(("inferences", result.inferences))
    request.node.user_properties.append(("retries", result.retries))
    request.node.user_properties.append(("seconds", round(result.seconds, 3)))
    if result.wrong or result.inferences != wanted:
        raise FirmwareFailure(
            f"{result.wrong} of {result.inferences} inferences gave other scores than the reference",
            next_step="`nightjar verify` with the same bundle finds the first tensor that differs",
        )
