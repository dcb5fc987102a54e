"""A JSON document of others, read field by field: what it must hold is asked for, the rest is left alone."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from host.errors import BadInput

_MOST = 1 << 63  # no address or size is as large
_LARGEST = sys.float_info.max


@dataclass(frozen=True)
class Fields:
    """An object of a document: its content, what the document is, where in it the object is, and what mends it."""

    content: dict[str, Any]
    document: str
    where: str = ""
    next_step: str = ""

    @classmethod
    def of(cls, value: Any, document: str, next_step: str) -> "Fields":
        """The document itself.

        Raises:
            BadInput: it is no object.
        """
        top = cls({"document": value}, document, "", next_step)
        return top.object("document")

    def __contains__(self, key: str) -> bool:
        return self.content.get(key) is not None

    def text(self, key: str, default: str | None = None) -> str:
        """A text; `default` where the field is absent or null.

        Raises:
            BadInput: it is something else, or is absent without a default.
        """
        return str(self._typed(key, str, "a text", default))

    def whole(self, key: str, default: int | None = None) -> int:
        """A whole number below 2^63 in size.

        Raises:
            BadInput: as `text`.
        """
        found = self._typed(key, int, "a whole number", default)
        if not -_MOST < found < _MOST:
            raise self.misfit(key, "a whole number below 2^63", found)
        return int(found)

    def number(self, key: str) -> float:
        """A number.

        Raises:
            BadInput: as `text`.
        """
        return self.numbers_of(key, [self.content.get(key)])[0]

    def flag(self, key: str, default: bool | None = None) -> bool:
        """true or false.

        Raises:
            BadInput: as `text`.
        """
        return bool(self._typed(key, bool, "true or false", default))

    def numbers(self, key: str, default: tuple[float, ...] | None = None) -> tuple[float, ...]:
        """A list of numbers.

        Raises:
            BadInput: as `text`.
        """
        return self.numbers_of(key, self._typed(key, list, "a list of numbers", default))

    def numbers_of(self, key: str, found: Sequence[Any]) -> tuple[float, ...]:
        """These values as float64.

        Raises:
            BadInput: one is no number, or beyond every float64; the message names the field `key`.
        """
        for one in found:
            if isinstance(one, bool) or not isinstance(one, (int, float)) or abs(one) > _LARGEST:
                raise self.misfit(key, "finite numbers", one)
        return tuple(map(float, found))

    def wholes(self, key: str, default: tuple[int, ...] | None = None) -> tuple[int, ...]:
        """A list of whole numbers below 2^63 in size.

        Raises:
            BadInput: as `text`.
        """
        found = self._typed(key, list, "a list of whole numbers", default)
        for one in found:
            if isinstance(one, bool) or not isinstance(one, int) or not -_MOST < one < _MOST:
                raise self.misfit(key, "a list of whole numbers", found)
        return tuple(found)

    def object(self, key: str) -> "Fields":
        """An object.

        Raises:
            BadInput: as `text`.
        """
        return self._inner(self._typed(key, dict, "an object", None), key)

    def objects(self, key: str, *, empty: bool = False) -> Iterator["Fields"]:
        """A list of objects; with `empty`, nothing where it is absent or no list.

        Raises:
            BadInput: as `text`.
        """
        if empty and not isinstance(self.content.get(key), list):
            return
        found = self._typed(key, list, "a list of objects", None)
        for place, one in enumerate(found):
            if not isinstance(one, dict):
                raise self.misfit(f"{key}[{place}]", "an object", one)
            yield self._inner(one, f"{key}[{place}]")

    def misfit(self, key: str, wanted: str, found: Any) -> BadInput:
        """What is wrong with a field, for the caller to raise."""
        received = "nothing" if found is None else repr(found)[:100]
        return BadInput(
            f"{self.document} must have {wanted} at {self._path(key)}",
            evidence=f"Received: {received}",
            next_step=self.next_step,
        )

    def _typed(self, key: str, kind: type, wanted: str, default: Any) -> Any:
        found = self.content.get(key)
        if found is None and default is not None:
            return default
        if not isinstance(found, kind) or (isinstance(found, bool) and kind is not bool):
            raise self.misfit(key, wanted, found)
        return found

    def _inner(self, content: dict[str, Any], key: str) -> "Fields":
        where = "" if not self.where and key == "document" else self._path(key)
        return Fields(content, self.document, where, self.next_step)

    def _path(self, key: str) -> str:
        return f"{self.where}.{key}" if self.where else key
