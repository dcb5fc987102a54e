"""Which rules could not be judged, and what they lack: silence must not look like a clean bill."""

from collections.abc import Iterator

from model_gen.codegen.neural_art.lint import TABLE
from model_gen.codegen.neural_art.lint.add_scales import add_scales, unjudged_sums
from model_gen.codegen.neural_art.lint.finding import CODE, MODEL, Rule
from model_gen.codegen.neural_art.lint.saturation import saturation
from model_gen.codegen.neural_art.lint.subject import Subject

_NO_MODEL = "it is judged from the model: give --model, the bundle or .tflite"
_NO_CODE = "it is judged from network.c: give the folder that stedgeai wrote"
_BLOB = "programs of the epoch controller hold its constants: generate without the controller"
_NO_DATA = "nobody gave inputs: give --inputs, or a bundle, which has its own"
_UNLISTED = "no buffer lists: give --model, or generate with --all-buffers-info"
_CONSTANTS = ("coarse-multiplier", "partial-sums")


def unjudged(subject: Subject) -> Iterator[tuple[Rule, str]]:
    """Each rule that says nothing because something is absent, with what that is."""
    for rule in TABLE:
        why = _why(subject, rule)
        if why:
            yield rule, why


def _why(subject: Subject, rule: Rule) -> str:
    code = subject.code
    if rule.reads == MODEL:
        return _NO_MODEL if subject.model is None else ""
    if rule.reads == CODE:
        if code is None:
            return _NO_CODE
        return _BLOB if code.constants is None else ""
    if rule is saturation:
        if not subject.is_real:
            return _NO_DATA
        return "" if subject.model is not None or subject.seen else _NO_MODEL
    if rule is add_scales and code is not None and code.constants is not None:
        lacking, count = unjudged_sums(subject)
        return f"{lacking} of {count} sums have a tensor that {_UNLISTED}" if lacking else ""
    if subject.model is not None or code is None:
        return ""
    if rule.name in (*_CONSTANTS, add_scales.name) and code.constants is None:
        return _BLOB
    return code.missing if rule.name in _CONSTANTS and code.memory is None else ""
