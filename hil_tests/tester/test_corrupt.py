"""A link that corrupts, drops and doubles bytes: the verdict is right all the same, for good and spoiled firmware."""

from pathlib import Path
from typing import Any

import pytest

from host.compare.flip import copy_project
from host.compare.prove import prove
from host.compare.session import Session
from host.deadline import Deadline
from host.errors import LinkFailure
from host.link.faults import Faults


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("flip", [False, True], ids=["good", "flipped"])
def test_corrupt_link(
    made: Any, net: Any, model_path: Path, boards: Path, tmp_path: Path, seed: int, flip: bool
) -> None:
    subject, project = made(model_path, "native")
    if flip:
        project = copy_project(project, tmp_path / "spoiled")
        net.flip(project.elf, 2, 9, 6)
    verdict = prove(
        Session(
            project,
            subject,
            "native",
            12,
            seed,
            root=boards,
            wrap=Faults(seed, 1e-4).wrap,
            repeats=2,
        )
    )
    assert verdict.exact is not flip
    assert verdict.vectors == 12
    if flip:
        assert verdict.first_difference is not None
        assert verdict.first_difference.layer == 2


def test_corrupt_link_beyond_mending_is_no_verdict(
    made: Any, model_path: Path, boards: Path
) -> None:
    """At a rate that no retry survives there is LINK, before the deadline, and never a PASS."""
    subject, project = made(model_path, "native")
    limit = Deadline.after(20)
    with pytest.raises(LinkFailure):
        prove(
            Session(
                project,
                subject,
                "native",
                2,
                0,
                root=boards,
                limit=limit.at_most(8),
                wrap=Faults(1, 0.2).wrap,
            )
        )
    assert not limit.expired
