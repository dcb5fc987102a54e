"""The table of versions, and the page that shows it."""

from host.installed import ROOT
from model_gen.codegen.neural_art.versions import DIALECTS


def test_the_page_shows_the_table() -> None:
    shown = (ROOT / "docs/neural-art.md").read_text()
    for dialect in DIALECTS:
        cells = (
            dialect.name,
            dialect.package,
            ", ".join(build for _, build in dialect.builds) or "-",
            ", ".join(f"NetworkRuntime{number}" for _, number in dialect.runtimes) or "-",
            " ".join(dialect.profile) or "-",
            dialect.symbol,
            dialect.arithmetic or "-",
        )
        assert f"| {' | '.join(cells)} |\n" in shown, dialect.name


def test_builds_are_of_their_compiler() -> None:
    for dialect in DIALECTS:
        for _, build in dialect.builds:
            assert dialect.compiler is not None
            assert build.startswith(".".join(map(str, dialect.compiler)) + "-")
