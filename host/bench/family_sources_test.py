"""Which families of the cost table are stale, and what makes one so."""

import shutil
from pathlib import Path

from host.bench.family_sources import KERNELS, bare, shapes_of, sources_of, sources_sha256, stale
from model_gen.profile.cost import TABLE, shipped_table
from model_gen.profile.grid import FAMILIES


def test_every_family_was_counted_of_todays_sources() -> None:
    found = stale(shipped_table())
    assert not found, (
        f"the costs of {', '.join(found)} were counted of other kernels. Count them again, and them alone, and commit"
        f" the file: nightjar bench engine --cost-table {TABLE.relative_to(TABLE.parents[2])}"
    )


def test_a_kernel_is_what_it_calls_and_includes() -> None:
    found = {one.name for one in sources_of(["nj_batch_matmul_s8"])}
    assert {"batch_matmul_s8.c", "transpose_s8.c", "nj_helium.h", "nj_requantize.h"} <= found
    assert "nj_kernels.h" not in found
    within = {one.name for one in sources_of(["nj_depthwise_conv_2d_packed_s8"])}
    assert {"nj_depthwise.h", "nj_depthwise.c"} <= within


def test_code_counts_and_comments_and_layout_do_not(tmp_path: Path) -> None:
    folder = tmp_path / "kernels"
    shutil.copytree(KERNELS, folder, ignore=shutil.ignore_patterns("*.py", "testing"))
    kernels, family = ["nj_batch_matmul_s8"], "matrices"
    before = sources_sha256(family, kernels, folder)
    called = folder / "transpose_s8.c"
    text = called.read_text()
    called.write_text("/* More. */\n" + text.replace("    ", "\t") + "// and more\n")
    assert sources_sha256(family, kernels, folder) == before
    called.write_text(text.replace("return", "(void)0; return", 1))
    assert sources_sha256(family, kernels, folder) != before
    called.write_text(text)
    (folder / "pad_s8.c").write_text("another kernel")
    (folder / "nj_layers.h").write_text("another kernel's parameters")
    assert sources_sha256(family, kernels, folder) == before
    assert bare('x = "/* text */"; /* no */  y') == 'x = "/* text */"; y'


def test_the_shapes_of_a_family_are_its_own() -> None:
    shapes = {name: shapes_of(name) for name in FAMILIES}
    assert len(set(shapes.values())) == len(FAMILIES)
    assert "def _conv(" in shapes["pointwise"]
    assert "def _transposed(" not in shapes["pointwise"]
