"""What stedgeai says when it fails, turned into what is wrong and what to do."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from host.errors import BadInput, HostFailure, NightjarError
from model_gen.codegen.neural_art.text_table import lines_of

# What is looked at of all that a program printed: it may be without end, or without lines.
_MOST_TEXT = 4 << 20  # characters, the last ones
_MOST_LINE, _MOST_SHOWN = 1000, 300  # characters of a line that is read, or shown
_CODE = re.compile(r"\b(E\d{3})\((\w+)\)\s*:?\s*(.*)")


@dataclass(frozen=True)
class Symptom:
    """What is said, as a pattern; what that is; and the next step."""

    pattern: str
    kind: type[NightjarError]
    what: str
    next_step: str


# The first that fits counts: particular ones stand before the codes that they come with.
SYMPTOMS: tuple[Symptom, ...] = (
    Symptom(
        r"wstring_convert|range_error",
        HostFailure,
        "the NPU's compiler cannot read a path with letters other than ASCII",
        "move the model, the output and the temporary folder (TMPDIR) to a path of plain letters",
    ),
    Symptom(
        r"E102\(.*mvei|([Uu]nknown|[Uu]nrecogni[sz]ed|[Ii]nvalid).*mvei",
        BadInput,
        "the profile has an option that this version of stedgeai does not take",
        "report it: the profile is made for the version that the program told",
    ),
    Symptom(
        r"(?i:(not enough|insufficient|out of) (memory|space)|does not fit|allocation failed|cannot be allocated)",
        BadInput,
        "the network does not fit into the NPU's memory of this board",
        "take a smaller model: nightjar inspect MODEL shows which layer needs how much",
    ),
    Symptom(
        r"Internal compiler error|signo=|core dumped|Segmentation fault|Killed",
        HostFailure,
        "the NPU's compiler ended by a defect of its own",
        "try another version of ST Edge AI Core, and report it to ST with the log",
    ),
    Symptom(
        r"E102\(",
        BadInput,
        "stedgeai refused an argument or an option of its profile",
        "read its words in the log; `nightjar doctor` shows the version that was called",
    ),
    Symptom(
        r"E010\(",
        BadInput,
        "stedgeai cannot read the model",
        "give a full-int8 .tflite as `nightjar quantize` writes it, never a file with _OE_ in its name",
    ),
    Symptom(
        r"E103\(",
        HostFailure,
        "stedgeai could not run its NPU compiler",
        "read the compiler's words in the log; reinstall ST Edge AI Core where its program is missing",
    ),
    Symptom(
        r"NOT IMPLEMENTED|NotImplementedError",
        BadInput,
        "stedgeai has no form of an operation of this model",
        "the log names it; replace that operation, or use --backend cm55",
    ),
    Symptom(
        r"E8\d\d\(|INTERNAL ERROR",
        HostFailure,
        "stedgeai ended by a defect of its own",
        "try another version of ST Edge AI Core, and report it to ST with the log",
    ),
    Symptom(
        r"LOAD ERROR|E0\d\d\(",
        BadInput,
        "stedgeai cannot load the model",
        "give a full-int8 .tflite as `nightjar quantize` writes it",
    ),
)


def failure(code: int, said: str, kept: str) -> NightjarError:
    """The error for a stedgeai that failed.

    Args:
        code: its exit status.
        said: all that it printed.
        kept: where that is kept, for the message.
    """
    lines = _lines(said)
    told = next((found[0][:_MOST_SHOWN] for line in lines if (found := _CODE.search(line))), "")
    known = next((one for one in SYMPTOMS if _any(one.pattern, lines)), None)
    evidence = f"exit status {code}; {told or _last(lines)}; the whole log: {kept}"
    if known is None:
        return HostFailure(
            "stedgeai failed",
            evidence=evidence,
            next_step="read its words in the log; `nightjar doctor` shows what was called",
        )
    return known.kind(known.what, evidence=evidence, next_step=known.next_step)


def errors_in(said: str) -> tuple[str, ...]:
    """The lines with an error code in what a program printed that ended well nevertheless."""
    return tuple(found[0].strip() for line in _lines(said) if (found := _CODE.search(line)))


def _lines(said: str) -> list[str]:
    """The lines that are not empty, as far as they are looked at."""
    cut = (line.strip()[:_MOST_LINE] for line in lines_of(_shortened(said[-_MOST_TEXT:])))
    return [line for line in cut if line]


def _shortened(text: str) -> str:
    """The text with the start of each line, where the bars that return in it count as several."""
    return re.sub(rf"([^\r\n]{{{_MOST_LINE}}})[^\r\n]*", r"\1", text)


def _any(pattern: str, lines: Sequence[str]) -> bool:
    return any(re.search(pattern, line) for line in lines)


def _last(lines: Sequence[str], most: int = 4) -> str:
    return " | ".join(line[:_MOST_SHOWN] for line in lines[-most:]) or "it printed nothing"
