"""`nightjar replay`: judge a recorded session again, without its board."""

from pathlib import Path

import click

from host.cli.common import json_option, result_option, subcommand


@subcommand(
    "replay",
    help="Judge a session again that `nightjar verify` or `nightjar hil` recorded with --record: the same code, on a"
    " board that replays. No board and no tool is needed, and no time passes. Of a run in several processes, give the"
    " files of all.",
)
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@result_option("--junit", text="Write JUnit XML as Jenkins takes it.")
@result_option("--junit-gitlab", "gitlab", text="Write JUnit XML as GitLab takes it.")
@result_option("--html", "html_path", text="Write one page.")
@json_option
def command(
    files: tuple[Path, ...],
    junit: Path | None,
    gitlab: Path | None,
    html_path: Path | None,
    json_path: str | None,
) -> int:
    import tempfile

    from host.cli.outcome import (
        conclude_suite,
        held_against,
        show,
        verdict_case,
        with_coverage,
        write_reports,
    )
    from host.errors import BadInput, FirmwareFailure, NightjarError
    from host.recording.recording import Recording
    from host.recording.replay import baseline, covered, replay_suite, replay_verdict
    from host.report.verdict import describe

    # As the suite takes its parts, by name: which is given first makes no difference.
    recordings = [Recording.read(file) for file in sorted(files, key=lambda file: file.name)]
    manifest = recordings[0].manifest
    if len(files) > 1 and any(one.manifest.suite is None for one in recordings):
        raise BadInput(
            "only the parts of a run of the suite are replayed together",
            evidence=f"Received: {len(files)} files, of which some are of `nightjar verify`",
            next_step="give one file",
        )
    with tempfile.TemporaryDirectory(prefix="nightjar-") as folder:
        if manifest.suite is None:
            before = baseline(recordings[0])
            try:
                found = replay_verdict(recordings[0], Path(folder))
            except NightjarError as error:
                write_reports([verdict_case(error)], {}, junit, gitlab)
                raise
            verdict, failure = held_against(found, before, manifest.min_coverage)
            first = verdict.first_difference
            wrong = failure if first is None else FirmwareFailure(describe(first))
            write_reports([verdict_case(wrong)], {}, junit, gitlab)
            show(verdict, f"{Path(manifest.model).name} on {manifest.board}", json_path, html_path)
            if failure is not None:
                raise failure
            return verdict.exit_code
        replayed = replay_suite(recordings, Path(folder))
    conclusion = replayed.conclusion
    counted = covered(recordings[0])
    if counted is not None and conclusion.verdict is not None and conclusion.verdict.exact:
        conclusion = with_coverage(conclusion, counted, manifest.min_coverage)
    return conclude_suite(
        conclusion,
        replayed.proof,
        replayed.session,
        json_path=json_path,
        html_path=html_path,
        junit=junit,
        gitlab=gitlab,
    )
