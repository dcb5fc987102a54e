"""The rules that a network for the NPU is held against: one file a rule, in one table."""

from model_gen.codegen.neural_art.lint.absolute_value import abs_zero_point
from model_gen.codegen.neural_art.lint.add_scales import add_scales
from model_gen.codegen.neural_art.lint.coarse_multiplier import coarse_multiplier
from model_gen.codegen.neural_art.lint.finding import SEVERITIES, Finding
from model_gen.codegen.neural_art.lint.float_epochs import float_epochs
from model_gen.codegen.neural_art.lint.hang import activation_before_convolution, stride_two_mode
from model_gen.codegen.neural_art.lint.partial_sums import partial_sums
from model_gen.codegen.neural_art.lint.pool_reads import reads_past_pool
from model_gen.codegen.neural_art.lint.saturation import saturation, saturation_risk
from model_gen.codegen.neural_art.lint.subject import Subject
from model_gen.codegen.neural_art.lint.version_drift import version_drift

TABLE = (
    coarse_multiplier,
    partial_sums,
    add_scales,
    saturation,
    saturation_risk,
    activation_before_convolution,
    stride_two_mode,
    abs_zero_point,
    float_epochs,
    reads_past_pool,
    version_drift,
)


def judge(subject: Subject) -> tuple[Finding, ...]:
    """Everything that is found: what is worst first, then in the order of the table."""
    found = [Finding(rule, hit) for rule in TABLE for hit in rule.judge(subject, rule.limit)]
    return tuple(sorted(found, key=lambda one: SEVERITIES.index(one.rule.severity)))
