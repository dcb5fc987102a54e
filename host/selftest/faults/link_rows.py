"""Faults of the line: bytes and frames that are damaged, lost, doubled or late; another speed; text."""

import random
from dataclasses import replace
from functools import partial

from host.boards.pty_front import PtyFront
from host.boards.which import Which
from host.exit_codes import Exit
from host.link.transport import Transport
from host.selftest.faults import lines
from host.selftest.faults.row import Injection, Row
from host.selftest.faults.scene import SHORT, Scene, Wrap
from host.selftest.faults.seen import Seen
from host.selftest.links import Chatter, Line

_SOME = 0.15  # of the frames
_DAMAGED = r"link: [^\n]*frames damaged"
_AGAIN = r"link: [^\n]*(repeated|lost|damaged)"
_MORE = (
    r"the link lost or damaged more than retries could mend.*crc_errors [1-9]|takes no more bytes"
)


def wrapped(mangle: lines.Mangle, rate: float, seed: int, *, both: bool = True) -> Wrap:
    """A link whose frames are mangled."""

    def wrap(transport: Transport, chance: random.Random) -> Line:
        link = lines.Mangled(transport, mangle, rate, seed, both=both)
        return Line(transport, link, chance, 0)

    return wrap


def mended(
    how: str, mangle: lines.Mangle, rate: float, *says: str, both: bool = True
) -> tuple[Injection, ...]:
    """What retries mend: good firmware stays right, and a flipped weight is found all the same."""

    def act(scene: Scene, number: int, *, flipped: bool) -> Seen:
        project = scene.flipped if flipped else scene.good
        return scene.judge(number, wrapped(mangle, rate, number, both=both), project=project)

    return (
        Injection(how, "native", Exit.OK, says, partial(act, flipped=False)),
        Injection(
            f"{how}; a weight is flipped",
            *("native", Exit.FIRMWARE, ("DIFFERENT: vector 0, layer 2",)),
            partial(act, flipped=True),
        ),
    )


def lasting(how: str, mangle: lines.Mangle, *says: str, both: bool = False) -> Injection:
    """What retries cannot mend."""

    def act(scene: Scene, number: int) -> Seen:
        return scene.judge(number, wrapped(mangle, 1.0, number, both=both), seconds=SHORT)

    return Injection(how, "native", Exit.LINK, says, act)


def _other_speed(scene: Scene, number: int) -> Seen:
    with scene.at_socket() as (socket, at), PtyFront(socket, 921600) as front:
        assert at.entry is not None
        entry = replace(at.entry, port=front.path, baud=115200)
        return scene.judge(number, at=Which("native", entry, flashes=False), seconds=SHORT)


def _over(line: type[Line], scene: Scene, number: int, seconds: float = 60.0) -> Seen:
    def wrap(transport: Transport, chance: random.Random) -> Line:
        return line(transport, transport, chance, 0)

    return scene.judge(number, wrap, seconds=seconds)


ROWS = (
    Row(
        "corrupted",
        "Byte corrupted, burst",
        "counter; a warning above 1 % of the frames; LINK where it lasts",
        (
            *mended(
                "one byte in 30 % of the frames that come",
                *(lines.corrupt, 0.3, _DAMAGED, "WARNING"),
                both=False,
            ),
            *mended("eight bytes in 15 % of the frames", lines.burst, _SOME, _AGAIN),
            lasting(
                "eight bytes in every frame that comes",
                lines.burst,
                _MORE,
            ),
        ),
    ),
    Row(
        "dropped",
        "Byte dropped",
        "the same, and that there is no flow control",
        (
            *mended("one byte of 15 % of the frames", lines.drop, _SOME, _AGAIN),
            lasting("one byte of every frame that comes", lines.drop, "no flow control"),
        ),
    ),
    Row(
        "truncated",
        "Truncated frame",
        "counter; LINK with the bytes that came and were wanted",
        (
            *mended("15 % of the frames", lines.truncate, _SOME, _AGAIN),
            lasting(
                "every frame of a tensor",
                *(lines.truncate_data, r"\d+ of \d+ bytes (came|arrived)"),
                both=True,
            ),
        ),
    ),
    Row(
        "duplicated",
        "Duplicated frame",
        "counter",
        mended("every frame, both ways", lines.double, 1.0, r"link: [^\n]*frames doubled"),
    ),
    Row(
        "stale",
        "Reordered or stale reply",
        "counter; LINK where frames are missing for good",
        (
            *mended("an older frame behind each", lines.late, 1.0, r"frames doubled|answers late"),
            *mended("15 % are overtaken", lines.swap, _SOME, r"link: "),
            lasting("every frame that comes is lost", lines.lose, "LINK|BOARD"),
        ),
    ),
    Row(
        "baud",
        "Baud mismatch",
        "bytes and frames that came, and the speed at which the board answers",
        (
            Injection(
                "115,200 baud asked of a board at 921,600",
                *("native", Exit.LINK),
                (r"answers at 921600 baud, and not at 115200: there \d+ bytes and 0 frames came",),
                _other_speed,
            ),
        ),
    ),
    Row(
        "text",
        "Text on the wire",
        "it is counted, and quoted in the report",
        (
            Injection(
                "between all frames",
                *("native", Exit.OK, (r"outside frames came [\d,]+ bytes: '[^\n]*boot rom 1\.2",)),
                partial(_over, Chatter),
            ),
            Injection(
                "and nothing else",
                *("native", Exit.LINK),
                ("bytes came from the board, but no frame", "HardFault_Handler: PC 0x08001234"),
                partial(_over, lines.Babble, seconds=SHORT),
            ),
        ),
    ),
)
