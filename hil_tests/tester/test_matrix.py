"""Ways to call the suite that could hide a failure, on good, damaged and foreign firmware and over a dead link.

`nightjar selftest matrix` makes all the calls.
"""

import pytest

from host.selftest.invocations import INVOCATIONS
from host.selftest.matrix import CONDITIONS, run_matrix

pytestmark = pytest.mark.slow

QUICK = [one for one in INVOCATIONS if one.quick]


def test_no_call_gives_another_code_than_the_tables() -> None:
    assert len(QUICK) == 12
    assert len({one.name for one in INVOCATIONS}) == len(INVOCATIONS) >= 40
    cells = run_matrix(QUICK, workers=2, done=lambda cell: None)
    assert len(cells) == len(QUICK) * len(CONDITIONS)
    assert [cell for cell in cells if cell.wrong] == []
