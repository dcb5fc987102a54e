"""GitLab's code quality report: what failed, at the file and line of its test, as a merge request shows it.

https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
"""

import hashlib
import json
from collections.abc import Iterable

from host.report.junit import CaseRecord, once

_SEVERITY = {"failed": "blocker", "error": "major"}  # a verdict about the device; infrastructure


def code_quality(cases: Iterable[CaseRecord]) -> bytes:
    """The file; an empty list where nothing failed. A failure's fingerprint is that of its test and class."""
    found = [
        {
            "description": f"{case.kind} {case.name}: {case.message}",
            "check_name": case.kind or "nightjar",
            "fingerprint": hashlib.sha256(
                f"{case.classname}\0{case.name}\0{case.kind}".encode(errors="replace")
            ).hexdigest(),
            "severity": _SEVERITY[case.outcome],
            "location": {"path": case.file, "lines": {"begin": case.line}},
        }
        for case in once(cases)
        if case.outcome in _SEVERITY
    ]
    return json.dumps(found, indent=1).encode() + b"\n"
