"""`nightjar doctor`: check every tool, say the command that mends it, end with the tiers that are ready."""

from dataclasses import asdict

import click

from host.cli.common import json_option, say, subcommand, write_json


@subcommand()
@click.option("--strict", is_flag=True, help="Exit 10 when any check fails; a NOTE is none.")
@json_option
def command(strict: bool, json_path: str | None) -> int:
    """Check every tool and say which tiers are ready."""
    from host.doctor import examine

    findings, tiers = examine()
    width = max(len(finding.name) for finding in findings)
    for finding in findings:
        say(f"{finding.status:4}  {finding.name:{width}} {finding.detail}", json_path)
        if finding.remedy:
            say(f"      mend it with: {finding.remedy}", json_path)
    ready = [tier.name for tier in tiers if tier.ready]
    say(f"\nready for: {', '.join(ready) or 'nothing'}", json_path)
    for tier in tiers:
        if not tier.ready:
            say(f"not ready for: {tier.name} ({', '.join(tier.problems)})", json_path)
    failed = [finding.name for finding in findings if finding.status == "FAIL"]
    write_json(
        json_path,
        {
            "schema": "nightjar/doctor/1",
            "ok": not failed,
            "checks": [asdict(finding) for finding in findings],
            "tiers": [
                {"name": tier.name, "ready": tier.ready, "problems": list(tier.problems)}
                for tier in tiers
            ],
        },
    )
    return 10 if failed and (strict or not ready) else 0
