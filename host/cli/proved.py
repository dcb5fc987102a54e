"""A bundle on the virtual board: exact, and what one inference costs there."""

from pathlib import Path
from typing import TYPE_CHECKING

from host.cli.progress import working

if TYPE_CHECKING:
    from model_gen.evaluation.family.table import Cost


def proved(bundle: Path, *, vectors: int = 1) -> "Cost":
    """Have the virtual board compute the bundle's own chunks, and `vectors` random inputs besides.

    Raises:
        FirmwareFailure: it does not compute what the host computes, in each byte of each tensor.
    """
    import tempfile

    from host.bench.cost import require_exact
    from host.compare.macs import count_macs
    from host.compare.prepare import prepare
    from host.compare.prove import prove
    from host.compare.session import Session
    from model_gen.evaluation.family.table import Cost

    with working(f"counting instructions of {bundle}") as now:
        subject, project = prepare(bundle, "virtual")
        with tempfile.TemporaryDirectory(prefix="nightjar-") as root:
            session = Session(project, subject, "virtual", vectors=vectors, seed=0, root=Path(root))
            verdict = prove(session, now=now)
    require_exact(verdict, next_step=f"nightjar verify {bundle} --board virtual")
    macs = sum(count_macs(subject.model, [layer.bytes for layer in verdict.layers]))
    frontend, model = verdict.cost.frontend, verdict.cost.model
    assert frontend is not None
    assert model is not None
    return Cost(macs, frontend, model)
