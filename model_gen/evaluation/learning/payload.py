"""The result as JSON: every run's figures, with date, versions and kind of machine, and nothing that names a place."""

import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import host
from host.reference.processor import processor
from model_gen.evaluation.learning.result import Run
from model_gen.evaluation.learning.table import columns
from model_gen.evaluation.learning.targets import targets

SCHEMA = "nightjar/learning/1"
_PACKAGES = ("tensorflow-cpu", "tensorflow", "keras", "librosa", "numpy")


def payload(runs: Sequence[Run]) -> dict[str, Any]:
    """Of `measure`."""
    return {
        "schema": SCHEMA,
        **made_by(),
        "columns": [asdict(column) for column in columns(runs)],
        "targets": [{**asdict(one), "verdict": one.verdict} for one in targets(runs)],
        "runs": [asdict(run) for run in runs],
    }


def made_by() -> dict[str, Any]:
    """When, on what kind of machine, and with which versions something is measured."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": {
            "processor": _processor(),
            "cores": len(os.sched_getaffinity(0)),
            "system": platform.system(),
        },
        "versions": {"nightjar": host.__version__, "python": platform.python_version(), **_found()},
    }


def _processor() -> str:
    names = [text for text in processor().splitlines() if text.startswith("model name")]
    return names[0].partition(":")[2].strip() if names else platform.machine()


def _found() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
