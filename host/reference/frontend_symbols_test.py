"""Archives are linked in silence when two define the same name, and one of them is then called for the other."""

import re
from pathlib import Path

from host.reference.frontend_library import SOURCES

DECLARED = re.compile(r"^(?!static)[a-z][\w \*]*?\b(nj_\w+)\(", re.MULTILINE)


def names(headers: list[Path]) -> set[str]:
    return {name for header in headers for name in DECLARED.findall(header.read_text())}


def test_no_name_is_defined_twice() -> None:
    core = SOURCES.parent
    ours = names(sorted(SOURCES.glob("*.h")))
    others = names(
        [*core.glob("*.h"), *core.glob("link/*.h"), *(core.parent / "kernels").glob("*.h")]
    )
    assert {"nj_logarithm", "nj_frontend_run", "nj_stream_push"} <= ours
    assert "nj_log" in others
    assert not ours & others
