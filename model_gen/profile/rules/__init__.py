"""The rules that a model is held against before it is converted, in one table."""

from model_gen.codegen.neural_art.lint.finding import SEVERITIES
from model_gen.profile.rules.ops import absolute_value, moved, outside_npu
from model_gen.profile.rules.rule import Finding, Scene
from model_gen.profile.rules.saturation import zero_mean
from model_gen.profile.rules.sizes import (
    activations,
    channels,
    side,
    tensor_memory,
    weights_memory,
)

TABLE = (
    absolute_value,
    side,
    activations,
    weights_memory,
    zero_mean,
    outside_npu,
    channels,
    tensor_memory,
    moved,
)


def judge(scene: Scene) -> tuple[Finding, ...]:
    """Everything that is found: what is worst first, then in the order of the table."""
    found = [Finding(rule, hit) for rule in TABLE for hit in rule.judge(scene, rule.limit)]
    return tuple(sorted(found, key=lambda one: SEVERITIES.index(one.rule.severity)))
