"""The rules that data are held against: one function each, in one table."""

from collections.abc import Sequence

from model_gen.data.rules.coverage import (
    empty_splits,
    outside_classes,
    unasked_test,
    untested_classes,
    untrained_classes,
    unvalidated_classes,
)
from model_gen.data.rules.equal import (
    copies,
    copies_of_classes,
    copies_of_splits,
    recordists_of_splits,
)
from model_gen.data.rules.names import (
    alike_classes,
    class_encoding,
    ignored_class,
    name_encoding,
    nested_classes,
    nested_folders,
    split_names,
    unknown_rows,
    unspeakable_names,
)
from model_gen.data.rules.scene import Finding, Rule, Scene
from model_gen.data.rules.sound import (
    beyond_full_scale,
    cancelling_channels,
    clipping,
    damaged,
    dc,
    low_rate,
    silence,
    unreadable,
)

# What refuses by names and tables alone, before any recording is opened.
OF_NAMES = (
    split_names,
    nested_classes,
    alike_classes,
    unspeakable_names,
    class_encoding,
    ignored_class,
    recordists_of_splits,
    outside_classes,
)
# In the order in which they are told: what refuses first.
TABLE = (
    *OF_NAMES,
    copies_of_classes,
    copies_of_splits,
    untrained_classes,
    empty_splits,
    unvalidated_classes,
    untested_classes,
    unasked_test,
    nested_folders,
    unknown_rows,
    name_encoding,
    copies,
    unreadable,
    damaged,
    silence,
    dc,
    clipping,
    beyond_full_scale,
    cancelling_channels,
    low_rate,
)


def judge(scene: Scene, rules: Sequence[Rule] = TABLE) -> tuple[Finding, ...]:
    """Everything that `rules` find, in their order."""
    return tuple(Finding(rule, hit) for rule in rules for hit in rule.judge(scene, rule.limit))
