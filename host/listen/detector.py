"""From the scores of overlapping chunks to detections, as `nj_detector.c` finds them: integers, and no float."""

from dataclasses import dataclass

import cbor2
import numpy as np
import numpy.typing as npt

from host.listen.rule import TOP, Rule

Steps = npt.NDArray[np.int8]


@dataclass(frozen=True)
class Heard:
    """A detection: `start` and the sample after its `end` in the stream; `score` in the unit of the rule's pool."""

    label: int
    start: int
    end: int
    score: int
    chunks: int

    def as_bytes(self) -> bytes:
        """As an event of the firmware carries it, so that both can be held against each other byte for byte."""
        return bytes(cbor2.dumps([self.label, self.start, self.end, self.score, self.chunks]))


@dataclass
class _State:
    """What a label has of a detection that goes on."""

    on: bool = False
    score: int = 0
    start: int = 0
    last: int = 0  # where its last chunk begins
    chunks: int = 0
    free: int = 0  # chunks that begin earlier belong to the detection before


class Detector:
    """Takes the chunks of one stream, in order."""

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self._levels: list[tuple[int, list[int]]] = []  # start and levels of the chunks in the pool
        self._states = [_State() for _ in rule.labels]

    def take(self, steps: Steps, start: int) -> list[Heard]:
        """What has ended with the chunk of scores int8 [labels] that begins at sample `start`."""
        self._levels = [*self._levels, (start, _levels(self._rule, steps))][-self._rule.chunks :]
        found: list[Heard] = []
        for label, state in enumerate(self._states):
            found += self._take(label, state)
        return found

    def end(self) -> list[Heard]:
        """What goes on where the stream ends."""
        ended = [self._finish(i, state) for i, state in enumerate(self._states) if state.on]
        return [one for one in ended if one is not None]

    def _take(self, label: int, state: _State) -> list[Heard]:
        rule, levels = self._rule, self._levels
        limits = rule.labels[label]
        score = _pooled(rule, [row[label] for _, row in levels])
        found: list[Heard | None] = []
        newest = levels[-1:]
        if not state.on and score >= limits.threshold:
            state.on, state.score, state.chunks = True, 0, 0
            newest = levels
        elif state.on and score < limits.release:
            found.append(self._finish(label, state))
        if state.on:
            state.score = max(state.score, score)
            for start, row in newest:
                if start >= state.free and row[label] >= limits.own:
                    state.start = state.start if state.chunks else start
                    state.last = start
                    state.chunks += 1
            if state.chunks >= rule.most:
                found.append(self._finish(label, state))
        return [one for one in found if one is not None]

    def _finish(self, label: int, state: _State) -> Heard | None:
        state.on = False
        if state.chunks == 0:
            return None
        state.free = state.last + 1
        end = state.last + self._rule.chunk_samples
        whole = Heard(label, state.start, end, state.score, state.chunks)
        return whole if state.chunks >= self._rule.least else None


def detections(rule: Rule, steps: Steps) -> list[Heard]:
    """What is heard in a stream, in the order in which it ends.

    Args:
        steps: int8 [chunks, labels], chunk i beginning at sample i * rule.stride.
    """
    detector = Detector(rule)
    found = [one for i, row in enumerate(steps) for one in detector.take(row, i * rule.stride)]
    return found + detector.end()


def _levels(rule: Rule, steps: Steps) -> list[int]:
    values = [int(step) for step in steps]
    if not rule.softmax:
        return [rule.table[value + 128] for value in values]
    best = max(values)
    weights = [rule.table[best - value] for value in values]
    total = sum(weights)
    return [weight * TOP // total for weight in weights]


def _pooled(rule: Rule, levels: list[int]) -> int:
    if rule.pool == "max":
        return max(levels)
    values = levels if rule.pool == "average" else [rule.power[level // 256] for level in levels]
    return sum(values) // len(values)
