"""`nightjar replay`: judge a recorded session again, without its board."""

from pathlib import Path

import click

from host.cli.common import json_option, result_option, subcommand
from host.cli.history_options import gates_options


@subcommand(
    "replay",
    help="Judge a session again that `nightjar verify` or `nightjar hil` recorded with --record: the same code, on a"
    " board that replays. No board and no tool is needed, and no time passes. Of a run in several processes, give the"
    " files of all. With gates of your own, the code is theirs.",
)
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@result_option("--junit", text="Write JUnit XML as Jenkins takes it.")
@result_option("--junit-gitlab", "gitlab", text="Write JUnit XML as GitLab takes it.")
@result_option("--html", "html_path", text="Write one page.")
@click.option(
    "--run-network",
    is_flag=True,
    help="Compile and run the network.c of a session of backend neural_art: C of whoever sent the file.",
)
@gates_options
@json_option
def command(
    files: tuple[Path, ...],
    junit: Path | None,
    gitlab: Path | None,
    html_path: Path | None,
    run_network: bool,
    gates_file: Path | None,
    gates: tuple[str, ...],
    json_path: str | None,
) -> int:
    import tempfile

    from host.boards.which import Which
    from host.cli.gating import Gating
    from host.cli.outcome import gated, report
    from host.recording.recording import Recording
    from host.recording.replay import baseline, check_code, check_networks, covered, replay

    # As the suite takes its parts, by name: which is given first makes no difference.
    recordings = [Recording.read(file) for file in sorted(files, key=lambda file: file.name)]
    check_networks(recordings, run=run_network)
    first = recordings[0]
    manifest, before = first.manifest, baseline(first)
    asked = Gating.begin(
        *(gates_file, gates),
        at=Which(manifest.board),
        model=Path(manifest.model),
        store=None,
        baseline=before,
    )
    with tempfile.TemporaryDirectory(prefix="nightjar-") as folder:
        replayed = replay(recordings, Path(folder))
        found = conclusion = replayed.conclusion
        passes = found.verdict is not None and found.verdict.passes
        judged = (covered(first), before, manifest.min_coverage) if passes else None
        if judged is not None:
            conclusion = gated(replayed.session, found, *judged, Gating.recorded(first))
        check_code(recordings, conclusion.code)
        if judged is not None and asked is not None:  # in place of the gates of then
            conclusion = gated(replayed.session, found, *judged, asked)
        return report(
            conclusion,
            replayed.proof,
            replayed.session,
            json_path=json_path,
            html_path=html_path,
            junit=junit,
            gitlab=gitlab,
        )
