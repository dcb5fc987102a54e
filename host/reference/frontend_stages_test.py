import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from host.cli.frontend import command
from host.errors import BadInput
from host.exit_codes import Exit
from host.reference import frontend_tables
from host.reference.frontend_members import MEMBERS
from host.reference.frontend_stages import (
    PAGE,
    RECORDED,
    STAGES,
    load_recorded,
    page_section,
    record,
    recorded_signal,
    stages,
    with_section,
)


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(command, list(arguments), standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return int(done.return_value or 0), done.output


def test_what_is_recorded_is_what_is_computed() -> None:
    made = record()
    assert json.loads(RECORDED.read_text()) == json.loads(json.dumps(made))
    assert with_section(PAGE.read_text(), page_section(made)) == PAGE.read_text()


def test_this_host_passes(tmp_path: Path) -> None:
    file = tmp_path / "check.json"
    code, output = run("check", "--json", str(file))
    result = json.loads(file.read_text())
    assert code == 0
    assert result["equal"]
    assert [member["member"] for member in result["members"]] == list(MEMBERS)
    assert output.count("equal in samples") == len(MEMBERS)


@pytest.mark.parametrize("stage", STAGES)
def test_a_port_that_errs_is_named(tmp_path: Path, stage: str) -> None:
    run("dump", "--out", str(tmp_path), "--member", "mfcc")
    assert run("check", "--port", str(tmp_path), "--member", "mfcc")[0] == 0
    spoiled = [name for name in STAGES if STAGES.index(name) >= STAGES.index(stage)]
    for name in spoiled:
        file = tmp_path / "mfcc" / f"{name}.bin"
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 1
        file.write_bytes(data)
    code, output = run("check", "--port", str(tmp_path), "--member", "mfcc")
    assert code == Exit.FIRMWARE
    assert f"DIFFERS first in stage {stage}:" in output


def test_a_stage_of_another_size_is_refused_unread(tmp_path: Path) -> None:
    run("dump", "--out", str(tmp_path), "--member", "mfcc")
    with (tmp_path / "mfcc" / "fft.bin").open("r+b") as stream:
        stream.truncate(1 << 40)
    with pytest.raises(BadInput, match="stage fft of mfcc is float32") as caught:
        run("check", "--port", str(tmp_path), "--member", "mfcc")
    assert "1099511627776 bytes" in caught.value.evidence


@pytest.mark.parametrize(
    ("name", "value"),
    [("dtype", "object"), ("shape", [-1]), ("shape", ["4"]), ("crc32", 7), ("first", {})],
)
def test_recorded_vectors_that_are_none_are_bad_input(
    name: str, value: object, tmp_path: Path
) -> None:
    recorded = json.loads(RECORDED.read_bytes())
    recorded["members"]["mfcc"]["stages"][0][name] = value
    (tmp_path / "v.json").write_text(json.dumps(recorded))
    with pytest.raises(BadInput, match="recorded stage vectors"):
        load_recorded(tmp_path / "v.json")


def test_the_stages_lead_to_one_another() -> None:
    """Naive NumPy in float32 from stage to stage, where order cannot matter."""
    found = stages(recorded_signal(), MEMBERS["default"])
    root = np.sqrt(np.sqrt(np.square(found["spectrum"].astype(np.float64))))
    np.testing.assert_allclose(found["compressed"], root, rtol=2e-7)
    low, high = found["compressed"].min(), found["compressed"].max()
    factor = np.float32(1) / ((high - low) + np.float32(2.0**26) * np.float32(1e-10))
    np.testing.assert_array_equal(found["features"], (found["compressed"] - low) * factor)


@pytest.mark.parametrize(
    ("table", "stage"),
    [
        ("window", "window"),
        ("twiddle", "fft"),
        ("split", "spectrum"),
        ("weight", "bands"),
        ("cosine", "dct"),
    ],
)
def test_a_damaged_table_shows_first_in_its_stage(table: str, stage: str) -> None:
    made = MEMBERS["mfcc"]
    tables = frontend_tables.make_tables(made)
    damaged = getattr(tables, table).copy()
    damaged[21] *= np.float32(1.25)
    wrong = stages(recorded_signal(), made, replace(tables, **{table: damaged}))
    right = stages(recorded_signal(), made)
    first = next(name for name in right if right[name].tobytes() != wrong[name].tobytes())
    assert first == stage
