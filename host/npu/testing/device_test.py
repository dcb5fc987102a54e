"""The device against the naive reference, by records and by programs of its controller."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host.npu.testing.case import KINDS, Case, case
from host.npu.testing.defects import DEFECTS, Defect, Nursery
from host.npu.testing.device import Device, build
from host.npu.testing.records import DEVICE
from host.npu.testing.reference import RULES


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> Device:
    return Device(build(tmp_path_factory.mktemp("device") / "device.so"))


@settings(max_examples=150, deadline=None)
@given(
    st.randoms(use_true_random=False),
    st.lists(st.sampled_from(KINDS), min_size=1, max_size=4),
    st.integers(0, 2**32),
)
def test_every_tensor_of_any_network(
    device: Device, random: Random, kinds: list[str], seed: int
) -> None:
    given_case = case(random, kinds, seed)
    found = device.run(given_case.program, given_case.inputs)
    assert found == given_case.expected
    assert device.run_blob(given_case.program, given_case.inputs) == found


@pytest.mark.parametrize("rule", RULES)
def test_every_tie_rule_in_every_unit(device: Device, rule: str) -> None:
    for seed in range(8):
        one = case(Random(f"{rule} {seed}"), list(KINDS), seed, rule)
        assert device.run(one.program, one.inputs, RULES.index(rule)) == one.expected


@pytest.fixture(scope="module")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Nursery:
    return Nursery(tmp_path_factory.mktemp("defects"), sorted(DEVICE.glob("*.c")), "-std=c11")


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    """The same networks at every defect: enough that each is found, and more than once."""
    return [case(Random(f"{kind} {seed}"), [kind], seed) for seed in range(40) for kind in KINDS]


def finds(device: Device, one: Case) -> bool:
    """Whether a network shows that a device is wrong: other bytes, or an end by name."""
    try:
        return device.run(one.program, one.inputs) != one.expected
    except RuntimeError:
        return True


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name.replace(" ", "-"))
def test_a_defect_is_found(nursery: Nursery, cases: list[Case], defect: Defect) -> None:
    wrong = Device(nursery.library(defect))
    assert any(finds(wrong, one) for one in cases)


def test_without_a_defect_nothing_is_found(device: Device, cases: list[Case]) -> None:
    assert not any(finds(device, one) for one in cases)
