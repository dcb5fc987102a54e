"""The second opinion on a session's vectors: kept as the reference's own numbers are, so that it is computed once."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from host.cache import EXPECTATIONS, key_of
from host.compare.expect import Oracle
from host.compare.second.opinion import Parting, distance, partings, top_classes
from host.compare.session import Session
from host.compare.vectors import make_vectors
from host.errors import BadInput
from host.reference.interpreter import Array
from host.reference.kept import KeptReference
from host.reference.model import ReferenceModel
from host.reference.past import Past
from host.reference.said import said_by_libraries
from host.report.second import Dispute, SecondOpinion
from host.report.verdict import Verdict
from model_gen.codegen.tflite.graph import Graph
from model_gen.codegen.tflite.reader import read_tflite

DEFAULT, DELEGATED = "BUILTIN_WITHOUT_DEFAULT_DELEGATES", "BUILTIN"
MOST_VECTORS = 32


def with_second_opinion(session: Session, verdict: Verdict) -> Verdict:
    """An exact verdict with what other kernels say of its judge, or why nobody asked them."""
    if not verdict.exact or session.network is not None:
        return verdict
    try:
        return replace(verdict, second=_opinion(session))
    except BadInput as error:
        return replace(verdict, second_reason=error.what)


def _opinion(session: Session) -> SecondOpinion:
    description = session.project.description
    oracle = Oracle(session.subject, session.structure, description.rules)
    ports = oracle.reference.inputs
    vectors = make_vectors(session.subject, ports, session.vectors, session.seed, session.given)
    sides = _Sides(session.subject.model, oracle.reference)
    records = [sides.record(oracle.inputs_of(one)[1], one.past) for one in vectors[:MOST_VECTORS]]
    return SecondOpinion(
        kernels=records[0]["kernels"],
        vectors=len(records),
        steps=max(record["steps"] for record in records),
        top_differ=_share([record["top"] for record in records]),
        disputes=_disputes([Parting(*one) for record in records for one in record["partings"]]),
        xnnpack_steps=_largest([record["xnnpack"] for record in records]),
        xnnpack_top_differ=_share([r["xnnpack"][1:] for r in records if r["xnnpack"]]),
    )


class _Sides:
    """The judge and the kernels beside it, each loaded for what is not kept."""

    def __init__(self, model: bytes, reference: KeptReference) -> None:
        self._model, self._reference = model, reference

    def record(self, inputs: Sequence[Array], past: Past | None = None) -> dict[str, Any]:
        """What is kept of one set of inputs, with state of one step: each side goes on from its own state."""
        key = self._reference.key_of_more(f"second opinion {_code()}", inputs, past)
        raw = EXPECTATIONS.read(key)
        if raw is not None:
            kept: dict[str, Any] = json.loads(raw)
            return kept
        record = self._made(list(inputs), past)
        EXPECTATIONS.write(key, json.dumps(record).encode())
        return record

    @cached_property
    def graph(self) -> Graph:
        return read_tflite(self._model)

    @cached_property
    def _default(self) -> ReferenceModel:
        return ReferenceModel(self._model, DEFAULT)

    @cached_property
    def _delegated(self) -> ReferenceModel | None:
        try:
            with said_by_libraries():  # the delegate greets
                return ReferenceModel(self._model, DELEGATED)
        except BadInput:  # the delegate takes less
            return None

    def _made(self, inputs: list[Array], past: Past | None = None) -> dict[str, Any]:
        given = {t.tensor: v for t, v in zip(self._reference.inputs, inputs, strict=True)}
        judge = given | self._reference.tensors(inputs, past)
        other = given | self._default.run(inputs, past)
        ports = [port.tensor for port in self._reference.outputs]
        written = [index for op in self.graph.ops for index in op.outputs if index in judge]
        delegated = None
        if self._delegated is not None:
            outputs = self._delegated.run_outputs(inputs, past)
            delegated = [_apart(ports, judge, outputs), *_tops(ports, judge, outputs)]
        return {
            "kernels": self._default.description,
            "steps": _apart([index for index in written if index in other], judge, other),
            "top": _tops(ports, judge, other),
            "partings": [
                list(astuple(one))
                for one in partings(self.graph, judge, other, lambda: self._before(past))
            ],
            "xnnpack": delegated,
        }

    def _before(self, past: Past | None) -> tuple[Mapping[int, Array], Mapping[int, Array]] | None:
        """What each side gave in the inference before, if there was one."""
        if past is None:
            return None
        inputs = list(past.inputs)
        return (
            self._reference.tensors(inputs, past.before),
            self._default.run(inputs, past.before),
        )


def _apart(tensors: list[int], one: dict[int, Array], two: dict[int, Array]) -> int:
    return max((int(distance(one[i], two[i]).max(initial=0)) for i in tensors), default=0)


def _tops(ports: list[int], one: dict[int, Array], two: dict[int, Array]) -> list[int]:
    """[rows whose top class is another, rows] over all outputs."""
    counts = [top_classes(one[i], two[i]) for i in ports]
    return [sum(differing for differing, _ in counts), sum(rows for _, rows in counts)]


def _share(tops: Sequence[Sequence[int]]) -> float | None:
    rows = sum(one[1] for one in tops)
    return round(sum(one[0] for one in tops) / rows, 4) if rows else None


def _largest(delegated: list[list[int] | None]) -> int | None:
    return max((one[0] for one in delegated if one), default=None)


def _disputes(found: list[Parting]) -> tuple[Dispute, ...]:
    """One an op, over all vectors."""
    by_op: dict[int, list[Parting]] = {}
    for one in found:
        by_op.setdefault(one.op, []).append(one)
    return tuple(_dispute(alike) for _, alike in sorted(by_op.items()))


def _dispute(alike: list[Parting]) -> Dispute:
    def most(of: Callable[[Parting], float | None]) -> float | None:
        return max((off for off in map(of, alike) if off is not None), default=None)

    judge, other = any(p.judge_wrong for p in alike), any(p.other_wrong for p in alike)
    wrong = {(True, True): "both", (True, False): "judge", (False, True): "default kernels"}
    return Dispute(
        op=alike[0].op,
        name=alike[0].name,
        steps=max(one.steps for one in alike),
        wrong=wrong.get((judge, other), ""),
        judge_off=most(lambda one: one.judge_off),
        other_off=most(lambda one: one.other_off),
        unasked=next((one.unasked for one in alike if one.unasked), ""),
    )


@cache
def _code() -> str:
    """Digest of the code that makes a record."""
    folder = Path(__file__).parent
    return key_of(
        *(
            one.read_bytes()
            for one in sorted(folder.glob("*.py"))
            if not one.name.endswith("_test.py")
        )
    )
