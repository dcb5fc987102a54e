"""What each stage and layer costs: counted, and the same in every run where the unit is exact."""

import pytest

from host.compare.session import Bench
from host.errors import FirmwareFailure


def test_stages(bench: Bench, vector: int, request: pytest.FixtureRequest) -> None:
    """The cost of frontend and model, untapped."""
    unit = _unit(bench)
    observation = bench.observation(vector)
    again = bench.stage_costs(vector)
    request.node.user_properties.append((f"frontend_{unit}", observation.frontend_cost))
    request.node.user_properties.append((f"model_{unit}", observation.model_cost))
    if observation.model_cost <= 0:
        raise FirmwareFailure(
            "the model cost nothing", evidence=f"Received: {observation.model_cost} {unit}"
        )
    first = (observation.frontend_cost, observation.model_cost)
    if unit == "instructions" and again != first:
        raise FirmwareFailure(
            "the cost of a run is not the same when it is repeated",
            evidence=f"frontend and model: {first}, then {again} {unit}",
            next_step="the counter is disturbed: see the port's cost_begin and cost_end",
        )


def test_layer(bench: Bench, layer: int, request: pytest.FixtureRequest) -> None:
    """The cost of one layer, largest over the vectors."""
    unit = _unit(bench)
    tap = bench.taps[layer]
    costs = [
        sum(bench.observation(i).step_costs[step] for step in tap.cost_steps)
        for i in range(bench.total)
    ]
    request.node.user_properties.append((unit, max(costs)))
    if tap.observed and tap.cost_steps and max(costs) <= 0:
        raise FirmwareFailure(
            f"a layer that runs cost nothing: {tap.op} {tap.name}", evidence=f"{unit}: {costs}"
        )


def _unit(bench: Bench) -> str:
    unit = bench.identity().cost_unit
    if unit == "none":
        pytest.skip("this board counts nothing")
    return unit
