"""`nightjar frontend`: the stage vectors of the reference page, and a check of a port against them."""

from pathlib import Path

import click

from host.cli.common import Group, json_option, say, write_json

CHECK_SCHEMA = "nightjar/frontend-check/1"


@click.group("frontend", cls=Group, help="Check the frontend, or a port of it, stage by stage.")
def command() -> None:
    pass


@command.command(
    "check",
    help="Compute every stage of every recorded member and hold it against the recorded vectors; the first stage that"
    " differs is named. With --port DIR: instead, hold the files DIR/MEMBER/STAGE.bin that a port wrote (arrays as"
    " the reference page describes them, row-major, little-endian) against them; stages that it did not write are"
    " passed over. Exit 19 when a port differs, 10 when this host does.",
)
@click.option("--port", type=click.Path(path_type=Path), help="Folder that a port wrote.")
@click.option("--member", "only", multiple=True, help="Only this member; may be repeated.")
@click.option(
    "--vectors", "recorded", type=click.Path(path_type=Path), help="Other recorded vectors."
)
@json_option
def check(
    port: Path | None, only: tuple[str, ...], recorded: Path | None, json_path: str | None
) -> int:
    from host.errors import BadInput
    from host.exit_codes import Exit
    from host.reference import frontend_port as work
    from host.reference.frontend_stages import RECORDED, load_recorded

    members = load_recorded(recorded or RECORDED)
    unknown = [name for name in only if name not in members]
    if unknown:
        raise BadInput(
            f"the recorded members are {', '.join(members)}",
            evidence=f"Received: --member {unknown[0]}",
            next_step="give one of these, or leave --member out for all",
        )
    outcomes = []
    for name, (contract, want) in members.items():
        if only and name not in only:
            continue
        outcome = (
            work.check_host(name, contract, want)
            if port is None
            else work.check_port(name, want, port)
        )
        outcomes.append(outcome)
        say(outcome.line, json_path)
    if port is not None and not any(outcome.checked for outcome in outcomes):
        raise BadInput(
            "a port writes DIR/MEMBER/STAGE.bin for the members it has",
            evidence=f"Received: {port}, which holds none of them",
            next_step="see docs/frontend.md",
        )
    write_json(
        json_path,
        {
            "schema": CHECK_SCHEMA,
            "equal": all(outcome.equal for outcome in outcomes),
            "members": [outcome.as_json() for outcome in outcomes],
        },
    )
    if all(outcome.equal for outcome in outcomes):
        return Exit.OK
    # A port that computes something else is wrong; a host that does cannot be the judge.
    return Exit.HOST if port is None else Exit.FIRMWARE


@command.command(
    "record",
    help="Compute the stage vectors and write them to host/reference/frontend-vectors.json and into docs/frontend.md.",
)
@click.option("--out", type=click.Path(path_type=Path), help="Only this JSON file instead.")
def record(out: Path | None) -> int:
    import json

    from host.errors import BadInput
    from host.files import write_atomically
    from host.installed import IS_CHECKOUT
    from host.reference.frontend_stages import PAGE, RECORDED, page_section, record, with_section
    from host.results import check_result, write_result

    if out is None and not IS_CHECKOUT:
        raise BadInput(
            "the recorded vectors are written in a checkout alone",
            evidence=f"Received: no --out, and an installed package whose vectors are {RECORDED}",
            next_step="give --out FILE.json",
        )
    target = out or RECORDED
    check_result(target, name="--out")
    made = record()
    write_result(target, (json.dumps(made, indent=1) + "\n").encode())
    say(f"wrote {target}")
    if out is None:
        write_atomically(
            PAGE, with_section(PAGE.read_text(encoding="utf-8"), page_section(made)).encode()
        )
        say(f"wrote {PAGE}")
    return 0


@command.command(
    "dump",
    help="Write the test signal and every stage of every member as a port would: OUT/MEMBER/STAGE.bin.",
)
@click.option("--out", required=True, type=click.Path(path_type=Path))
@click.option("--member", "only", multiple=True, help="Only this member; may be repeated.")
def dump(out: Path, only: tuple[str, ...]) -> int:
    from host.errors import BadInput
    from host.reference.frontend_members import MEMBERS
    from host.reference.frontend_port import dump_stages

    for name in only or MEMBERS:
        if name not in MEMBERS:
            raise BadInput(
                f"the members are {', '.join(MEMBERS)}",
                evidence=f"Received: --member {name}",
                next_step="give one of these, or leave --member out for all",
            )
        dump_stages(MEMBERS[name], out / name)
        say(f"wrote {out / name}")
    return 0
