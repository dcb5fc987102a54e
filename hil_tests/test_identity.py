"""Which firmware answers. Every other test of the suite asks this first."""

from host.compare.session import Bench
from host.errors import IdentityFailure


def test_identity(bench: Bench) -> None:
    """Build-id, model, contract, protocol and tables are those of the project."""
    hello = bench.identity()
    if hello.board != bench.project.description.board:
        raise IdentityFailure(
            "another kind of board answers",
            evidence=f"{hello.board}, not {bench.project.description.board}",
            next_step="use --board with the kind of the project",
        )
