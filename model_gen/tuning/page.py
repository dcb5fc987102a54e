"""`python -m model_gen.tuning.page`: docs/tuning-digits.md, from docs/tuning-digits.json."""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

from host.installed import DOCS
from host.typed import typed
from model_gen.evaluation.markdown import made_on, table
from model_gen.tuning.bench import HEADING, Row
from model_gen.tuning.bench_payload import apart

DATA = DOCS / "tuning-digits.json"
_HEAD = """# What a search is worth

Made by `python -m model_gen.tuning.page > docs/tuning-digits.md` from docs/tuning-digits.json, which
`nightjar bench tuning --json docs/tuning-digits.json` writes; a test holds this page to it.

Real spoken digits, heard as [learning.md](learning.md) says, by the preset `release`. One speaker
tests, the alphabetically next one validates, the others train. A study ([tuning.md](tuning.md)) of
macro AP on who validates; its trial 0 is the preset's own options, `default` below. Then its best
trial and trial 0 are trained again with other seeds, and quantized as `nightjar quantize` does; the
table is of who tests, whom the search never heard: the mean over the seeds, and the 95 % interval of
1,000 draws of recordings. It holds nothing of how another speaker would turn out.
"""


def text(data: dict[str, Any]) -> str:
    """The page of what `bench tuning` wrote."""
    return "\n".join([_HEAD, *_measured(data)]) + "\n"


def _measured(data: dict[str, Any]) -> Iterator[str]:
    yield made_on(data)
    yield f"`{data['test']}` tests, `{data['val']}` validates.\n"
    rows = [typed(Row, row) for row in data["rows"]]
    yield from table(HEADING, (row.cells() for row in rows))
    yield ""
    yield from (f"* {line}" for line in apart(data["apart"]))
    yield f"* the best drew `{rows[-1].options}`\n"
    yield from _study(data["study"])


def _study(study: dict[str, Any]) -> Iterator[str]:
    counted = Counter(trial["state"] for trial in study["trials"])
    states = ", ".join(f"{count} {state}" for state, count in sorted(counted.items()))
    budget = study["budget_macs"]
    bound = "" if budget is None else f", of {budget:,} multiply-accumulates at most"
    yield f"## The study\n\n{len(study['trials'])} trials{bound}: {states}.\n"
    heading = (
        "trial",
        "state",
        "AP",
        "MACs",
        "epochs",
        "seconds",
        "drawn, or why it is not complete",
    )
    yield from table(heading, map(_trial, study["trials"]))
    yield "\n| option | importance |\n|---|---|"
    yield from (f"| {name} | {share:.3f} |" for name, share in study["importance"].items())


def _trial(trial: dict[str, Any]) -> tuple[str, ...]:
    value, macs = trial["value"], trial["macs"]
    drawn = ", ".join(
        f"{name} {one:.3g}" if isinstance(one, float) else f"{name} {one}"
        for name, one in trial["drawn"].items()
    )
    return (
        str(trial["number"]),
        trial["state"],
        "" if value is None else f"{value:.4f}",
        "" if macs is None else f"{macs:,}",
        str(trial["curve"][-1][0]) if trial["curve"] else "",
        "" if trial["seconds"] is None else f"{trial['seconds']:.0f}",
        trial["reason"] or drawn,
    )


if __name__ == "__main__":
    sys.stdout.write(text(json.loads(DATA.read_text(encoding="utf-8"))))
