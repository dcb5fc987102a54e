import numpy as np
import pytest

from host.reference.model import ReferenceModel
from host.reference.versions import with_versions_in_reach
from model_gen.codegen.testing.models import single
from model_gen.codegen.testing.single_ops import constant, q


@pytest.mark.parametrize("version", [1, 2, 3])
def test_an_int8_tile_of_every_version_is_judged(version: int) -> None:
    model = single("TILE", [q((1, 3)), constant([2, 2])], q((2, 6)), version=version)
    reference = ReferenceModel(model)
    steps = np.array([[-128, 5, 127]], np.int8)
    (got,) = reference.run([steps]).values()
    np.testing.assert_array_equal(got, np.tile(steps, (2, 2)))
    assert ("TILE of version 3 read as 2" in reference.description) == (version == 3)


def test_nothing_else_is_changed() -> None:
    model = single("TILE", [q((1, 3)), constant([2, 2])], q((2, 6)), version=3)
    content, changed = with_versions_in_reach(model)
    assert changed == ("TILE of version 3 read as 2",)
    assert sum(a != b for a, b in zip(content, model, strict=True)) == 1
    other = single("RELU", [q((1, 3))], q((1, 3)), version=3)
    assert with_versions_in_reach(other) == (other, ())
    assert with_versions_in_reach(b"\0" * 40) == (b"\0" * 40, ())
