"""Rules that look at a network.c: each with a place of its text changed, and changed less."""

import re
from pathlib import Path

import pytest

from host.errors import BadInput
from host.npu.compiler.model import compile_model
from host.npu.network import Seen
from host.npu.testing.dialect import DIALECTS
from model_gen.codegen.neural_art.lint import judge
from model_gen.codegen.neural_art.lint.finding import Finding
from model_gen.codegen.neural_art.lint.network import read_code
from model_gen.codegen.neural_art.lint.subject import REAL, Subject
from model_gen.codegen.neural_art.lint.testing import (
    changed,
    in_record,
    judged,
    names,
    network,
    set_multipliers,
)
from model_gen.codegen.neural_art.lint.unjudged import unjudged
from model_gen.codegen.testing.models import single
from model_gen.codegen.testing.single_ops import q


def _only(findings: list[Finding], name: str) -> list[Finding]:
    return [one for one in findings if one.rule.name == name]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_sound_network_has_no_finding(tmp_path: Path, dialect: str) -> None:
    code = read_code(network(tmp_path, dialect))
    assert code.generated.dialect == dialect
    assert len(code.products) == 2
    assert judged(code) == []


def test_multipliers_are_read_where_they_lie(tmp_path: Path) -> None:
    path = network(tmp_path)
    for values, coarse in (([32000, 3, 30000, 300], True), ([32000, 127, 30000, 300], False)):
        made = judged(set_multipliers(path, values))
        assert names(made) == ["coarse-multiplier"] * coarse
        for one in made:
            assert "1 channel (1) of 4 have multipliers down to 3 of 32000" in one.hit.says
            assert one.hit.remedies[0].steps is not None
            assert one.hit.steps is not None
            assert one.hit.remedies[0].steps < one.hit.steps
    (image,) = tmp_path.glob("*.raw")
    image.unlink()
    lacking = {rule.name: why for rule, why in unjudged(Subject(code=read_code(path)))}
    assert "no image of pool" in lacking["coarse-multiplier"]


@pytest.mark.parametrize(("shift", "is_noisy"), [(1, True), (31, False)])
def test_passes_at_a_coarse_unit(tmp_path: Path, shift: int, is_noisy: bool) -> None:
    path = network(tmp_path)
    in_record(path, "accumulated_2_mul_scale", "shift_o", 10)
    code = in_record(path, "accumulated_2_off_bias", "shift_o", shift)
    assert code.products[1].passes > 1
    made = _only(judged(code), "partial-sums")
    assert bool(made) == is_noisy
    assert all(one.hit.sure == "proved on silicon" for one in made)


def test_one_pass_is_no_partial_sum(tmp_path: Path) -> None:
    path = network(tmp_path)
    in_record(path, "accumulated_2_off_bias", "shift_o", 1)
    text = path.read_text()
    passes = read_code(path).products[1].passes
    path.write_text(text.replace(f".afilt_tot = {passes},", ".afilt_tot = 1,"))
    assert _only(judged(read_code(path)), "partial-sums") == []


def test_an_add_is_held_against_the_scales_of_its_buffers(tmp_path: Path) -> None:
    path = network(tmp_path)
    assert judged(in_record(path, "add_3", "B_scalar", 16385)) == []
    (finding,) = judged(in_record(path, "add_3", "B_scalar", 16387))
    assert finding.rule.name == "add-scales"
    assert "the second operand is multiplied by 1.00018, its scales say 1" in finding.hit.says


def test_an_add_of_a_tensor_that_is_not_listed_is_not_judged(tmp_path: Path) -> None:
    path = network(tmp_path)
    subject = Subject(code=in_record(path, "add_3", "B_scalar", 17000))
    assert "add-scales" not in {rule.name for rule, _ in unjudged(subject)}
    text = path.read_text()
    path.write_text(text.replace("node=add_3 input ports=1", "node=other input ports=1"))
    subject = Subject(code=read_code(path))
    assert judge(subject) == ()
    lacking = {rule.name: why for rule, why in unjudged(subject)}
    assert lacking["add-scales"].startswith("1 of 1 sums have a tensor that no buffer lists")


def test_what_programs_of_the_epoch_controller_hide_is_said(tmp_path: Path) -> None:
    path = network(tmp_path)
    text = re.sub(r"LL_(\w+)_(Tensor)?InitTypeDef", r"LL_\1_Other", path.read_text())
    path.write_text(text)
    subject = Subject(code=read_code(path))
    assert subject.code is not None
    assert subject.code.constants is None
    lacking = {rule.name for rule, why in unjudged(subject) if "epoch controller" in why}
    assert lacking == {
        *("coarse-multiplier", "partial-sums", "add-scales"),
        *("activation-before-convolution", "stride-two-mode", "reads-past-pool"),
    }


def test_an_activation_that_feeds_a_convolution(tmp_path: Path) -> None:
    path = network(tmp_path)
    unit = read_code(path).links[0]
    assert unit.target.startswith("CONVACC")
    kind, number = unit.source.split()
    old = f"ATONN_SRCPORT(STRSWITCH, 0, {kind}, {number}, 0)"
    near = changed(path, old, "ATONN_SRCPORT(STRSWITCH, 0, DECUN, 0, 0)")
    assert _only(judged(near), "activation-before-convolution") == []
    code = changed(path, "STRSWITCH, 0, DECUN, 0, 0)", "STRSWITCH, 0, ACTIV, 1, 0)")
    (finding,) = _only(judged(code), "activation-before-convolution")
    assert "ACTIV 1 feeds CONVACC" in finding.hit.says


def test_the_mode_for_strides_of_two_is_a_note(tmp_path: Path) -> None:
    code = changed(network(tmp_path), ".dss2mode = 0", ".dss2mode = 1")
    (finding,) = _only(judged(code), "stride-two-mode")
    assert finding.rule.severity == "note"
    assert "pointwise_1" in finding.hit.where


@pytest.mark.parametrize(("zero", "told"), [(0, 0), (45, 1)])
def test_abs_in_generated_code(tmp_path: Path, zero: int, told: int) -> None:
    path = network(tmp_path)
    changed(path, "add_3_x_quant_offset[] = { 0 }", f"add_3_x_quant_offset[] = {{ {zero} }}")
    code = in_record(path, "add_3", "operation", "ARITH_ABS_X")
    assert len(_only(judged(code), "abs-zero-point")) == told


@pytest.mark.parametrize(("more", "told"), [(0, 0), (1, 1)])
def test_large_buffers_of_software(tmp_path: Path, more: int, told: int) -> None:
    path = network(tmp_path)
    (buffer,) = [one for one in read_code(path).source.internals if one.name == "software_4_f"]
    assert buffer.bits == 32
    text = path.read_text()
    at = text.index(".offset_start = ", text.index('.name = "software_4_f"'))
    start = int(text[at:].split(" = ")[1].split(",")[0])
    end = text.index(".offset_end = ", at)
    line = text.index(",", end)
    size = start + (1 << 21) + more
    path.write_text(f"{text[:end]}.offset_end = {size}{text[line:]}")
    assert len(_only(judged(read_code(path)), "float-epochs")) == told


@pytest.mark.parametrize(("more", "told"), [(0, 0), (2, 1)])
def test_reading_beyond_a_pool(tmp_path: Path, more: int, told: int) -> None:
    path = network(tmp_path)
    stream = next(s for s in read_code(path).records("stream") if s.integer("continuous"))
    size = stream.integer("offset_end")
    at = 66060288 - stream.integer("addr_base") + 0x71000000
    code = changed(path, f".offset_end = {size},", f".offset_end = {at + more},")
    made = _only(judged(code), "reads-past-pool")
    assert len(made) == told
    for one in made:
        assert "2 bytes beyond" in one.hit.says


def test_what_the_executor_saw_is_an_error_without_a_model(tmp_path: Path) -> None:
    code = read_code(network(tmp_path))
    sums = [Seen(1, "CONVACC 3", 40, 0, 0, 900), Seen(2, "ARITH 1", 40, 0, 7, 900)]
    for saturated in (0, 3):
        sums[0] = Seen(1, "CONVACC 3", 40, 0, saturated, 40000)
        subject = Subject(code=code, inputs=((),), data=REAL, seen=tuple(sums))
        made = _only(list(judge(subject)), "saturation")
        assert len(made) == bool(saturated)
        for one in made:
            assert one.hit.where == "pointwise_1, epoch 1, CONVACC 3"
            assert "3 of 40 sums cut off, the largest is 40,000" in one.hit.says


def test_another_dialect_in_a_manifest(tmp_path: Path) -> None:
    code = read_code(network(tmp_path))
    for pinned, told in (("2.2", 0), ("4.0", 1)):
        subject = Subject(code=code, pins={"neural_art.json": pinned})
        assert len(_only(list(judge(subject)), "version-drift")) == told


def test_what_is_no_network_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "network.c"
    path.write_text("int main(void) { return 0; }\n")
    with pytest.raises(BadInput):
        read_code(path)


def test_an_add_is_held_against_the_model_where_no_buffer_is_listed(tmp_path: Path) -> None:
    """The order of its operands is not known, so either will do."""
    path = network(tmp_path)
    text = path.read_text().replace("node=add_3 input ports=", "node=other input ports=")
    path.write_text(text)
    content = single(
        "ADD", [q((1, 4), 0.5, 0), q((1, 4), 1.0, 0)], q((1, 4), 1.0, 0), {"AddOptions": {}}
    )
    model = compile_model(content, "2.2")
    for first, second, told in ((8192, 16384, 0), (16384, 8192, 0), (16384, 16384, 1)):
        in_record(path, "add_3", "A_scalar", first)
        code = in_record(path, "add_3", "B_scalar", second)
        made = judge(Subject(model=model, code=code, nodes={0: "add_3"}))
        assert names(made) == ["add-scales"] * told
        unknown = Subject(model=model, code=code, nodes={0: "another"})
        assert names(judge(unknown)) == []
        assert "add-scales" in {rule.name for rule, _ in unjudged(unknown)}
