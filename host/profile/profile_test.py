"""The counts of the plugin agree with the board's own counter, and add up by step, function and loop."""

import json
import shutil
from pathlib import Path

import pytest

from host.coverage.testing_projects import model, needs_board
from host.profile.count import Block, Engine
from host.profile.report import profile
from model_gen.profile.profile import profile_tflite

SHARED = Path(__file__).parents[2] / "../shared/data/models"
KWS = SHARED / "mlperf_tiny_kws_int8.tflite"
TOOLS = ("qemu-system-arm", "gdb-multiarch", "arm-none-eabi-gcc", "gcc")

ENGINE = Engine(0x100, 0x200, ((0x100, 0x20, "nj_a"), (0x120, 0xE0, "nj_b")), (0x100, 0x110))
CODE = {
    0x100: "movs r0, #0",
    0x102: "vldrb.u8 q0, [r1], #16",
    0x106: "vmlava.s8 r0, q0, q2",
    0x120: "bx lr",
}


def test_sums_by_step_function_and_loop() -> None:
    blocks = [Block(0x100, 3, (2.0, 1.0)), Block(0x120, 1, (0.0, 4.0))]
    found = profile(blocks, ENGINE, CODE, loops=1)
    assert found.total == 13
    assert found.steps == (6, 7)
    assert found.functions == (("nj_a", 9), ("nj_b", 4))
    assert found.helium == pytest.approx(6 / 13)
    assert [loop.function for loop in found.loops] == ["nj_a"]
    assert found.loops[0].lines[-1] == "00000106  vmlava.s8 r0, q0, q2"


@pytest.mark.skipif(
    not KWS.exists() or any(shutil.which(tool) is None for tool in TOOLS),
    reason="needs ../shared and the tools of the virtual board",
)
def test_counts_are_those_of_the_board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from host.cli.profile import command

    model = KWS.resolve()
    monkeypatch.chdir(tmp_path)
    target = tmp_path / "p.json"
    command.main([str(model), "--json", str(target)], standalone_mode=False)
    found = json.loads(target.read_text())
    assert found["schema"] == "nightjar/profile/1"
    # memcpy and the dispatch of steps lie outside the engine.
    assert 0.99 * found["inference"] < found["total"] <= found["inference"] * 1.001
    assert sum(layer["instructions"] for layer in found["layers"]) == pytest.approx(found["total"])
    assert found["helium"] > 0.5
    expected = profile_tflite(model.read_bytes())
    assert expected.uncosted == 0
    assert expected.instructions == pytest.approx(found["inference"], rel=0.15)


@needs_board
def test_coverage_stands_beside_the_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from host.cli.profile import command

    (tmp_path / "tables.tflite").write_bytes(model())
    monkeypatch.chdir(tmp_path)
    command.main(["tables.tflite", "--coverage", "--json", "p.json"], standalone_mode=False)
    found = json.loads((tmp_path / "p.json").read_text())["coverage"]
    assert [layer["index"] for layer in found["layers"]] == [0, 1, 2, 3, 4, 5]
    assert 0 < found["code"]["reached"] < found["code"]["bytes"]
