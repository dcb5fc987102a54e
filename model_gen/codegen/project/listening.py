"""The application mode as C: tables and thresholds of detections, and the room that listening needs."""

import zlib
from dataclasses import dataclass

import numpy as np

from host.contract import Contract
from host.listen.rule import Rule
from model_gen.codegen import c_text
from model_gen.codegen.c_text import Text
from model_gen.codegen.project.frontend import render_frontend
from model_gen.codegen.templates import render

STAGE = "nj_frontend_listening.c"


@dataclass(frozen=True)
class _Label:
    threshold: int
    release: int
    own: int
    comment: Text


def labels_crc(labels: tuple[str, ...]) -> int:
    """By which a log on a card knows the labels that its numbers stand for."""
    return zlib.crc32("".join(f"{label}\n" for label in labels).encode())


def render_stages(
    contract: Contract | None, *, stream: bool, application: Rule | None
) -> dict[str, str]:
    """Print the frontend, and with `application`, whose rule fits the contract, what listens behind it.

    Returns:
        File name -> text.

    Raises:
        BadInput: the model does not take what this frontend makes, or nothing is there to stream.
    """
    stages = render_frontend(contract, stream=stream, listening=application is not None)
    if application is not None:
        assert contract is not None
        stages |= render_listening(application, contract.labels)
    return stages


def render_listening(rule: Rule, labels: tuple[str, ...]) -> dict[str, str]:
    """Print what the application mode needs.

    Args:
        rule: what is a detection.
        labels: of the bundle.

    Returns:
        File name -> text of nj_frontend_listening.c, which defines `nj_listening_stage`.
    """
    kind = "weights by steps below the best" if rule.softmax else "levels by step + 128"
    words = {
        "pool": c_text.word(rule.pool),
        "constant": c_text.constant(f"NJ_POOL_{rule.pool.upper()}"),
        "softmax": c_text.identifier("true" if rule.softmax else "false"),
        "table": c_text.phrase(kind),
    }
    lines = [
        _Label(one.threshold, one.release, one.own, c_text.comment(label))
        for one, label in zip(rule.labels, labels, strict=True)
    ]
    text = render(
        STAGE,
        rule=rule,
        words=words,
        table=c_text.integers(np.array(rule.table, np.int32)),
        power=c_text.integers(np.array(rule.power, np.int32)),
        labels=lines,
        labels_crc=labels_crc(labels),
    )
    return {STAGE: text}
