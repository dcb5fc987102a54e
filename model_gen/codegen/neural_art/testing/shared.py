"""Real files of stedgeai's, where this computer has them."""

from pathlib import Path

import pytest

from host.installed import ROOT

DATA = ROOT.parent / "shared/data/stedgeai"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="needs ../shared/data/stedgeai")


def found(*patterns: str) -> list[Path]:
    """The files that fit, sorted; none where there is no such folder."""
    return sorted(path for pattern in patterns for path in DATA.rglob(pattern))
