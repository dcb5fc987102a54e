"""A share of a long pass, so that several machines make it: I/N is every Nth part, from the Ith on."""

from dataclasses import dataclass

from host.errors import BadInput


@dataclass(frozen=True)
class Shard:
    """Share `number` of `of`, from 1 on.

    >>> [Shard(2, 3).has(part) for part in range(5)]
    [False, True, False, False, True]
    """

    number: int = 1
    of: int = 1

    def has(self, part: int) -> bool:
        """Whether a part, from 0 on, belongs to it."""
        return part % self.of == self.number - 1


WHOLE = Shard()


def shard_of(text: str) -> Shard:
    """What --shard says.

    Raises:
        BadInput: it is not I/N with 1 <= I <= N.

    >>> shard_of("2/3")
    Shard(number=2, of=3)
    """
    number, _, of = text.partition("/")
    if number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of):
        return Shard(int(number), int(of))
    raise BadInput(
        "--shard must be I/N, the share I of N, from 1 to N",
        evidence=f"Received: {text!r}",
        next_step="for example --shard 1/4, and 2/4, 3/4, 4/4 on other machines",
    )
