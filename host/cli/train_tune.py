"""`nightjar train --tune`: a study of trials, and its report."""

import json
from typing import Any

from host.cli.common import say, write_json
from host.files import write_atomically
from host.places import check_files


def tune(preset: str, given: dict[str, Any], json_path: str | None) -> None:
    """Search, and write the report's .html and .json beside where the checkpoint would lie."""
    from host.report.tuning_html import write_tuning_html
    from model_gen.tuning.payload import lines, payload
    from model_gen.tuning.plan import Plan
    from model_gen.tuning.run import tune as search

    report = Plan.of(preset, given).report
    page, data = (report.with_name(f"{report.name}.{kind}") for kind in ("html", "json"))
    check_files("--checkpoint-path", (page, data))
    found = search(preset, given)
    told = payload(found)
    write_tuning_html(page, found)
    write_atomically(data, (json.dumps(told, indent=1) + "\n").encode())
    write_json(json_path, told)
    for text in lines(found):
        say(text, json_path)
    say(f"report: {page}", json_path)
