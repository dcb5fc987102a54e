import dataclasses
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host.contract import Contract, TensorContract
from host.errors import BadInput
from host.frontend_contract import FrontendContract
from host.installed import ROOT
from host.reference.frontend_tables import make_tables
from model_gen.codegen.c_text import single
from model_gen.codegen.project.frontend import STAGE, TABLES, render_frontend

FLAGS = (
    "-std=c11",
    "-Wall",
    "-Wextra",
    "-Wconversion",
    "-Wmissing-prototypes",
    "-Wpedantic",
    "-Werror",
)


def bundle(**more: object) -> Contract:
    frontend = FrontendContract(**more)  # type: ignore[arg-type]
    return Contract(
        frontend=frontend,
        labels=("wren",),
        output_activation="sigmoid",
        input=TensorContract((1, frontend.rows, frontend.frames, 1), "int8", 1 / 255, -128),
        output=TensorContract((1, 1), "int8", 0.1, 0),
        rounding={},
        files={},
        tools={},
    )


@settings(deadline=None)
@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_floats_are_printed_without_loss(value: float) -> None:
    text = single(value)
    assert re.fullmatch(r"-?0x[01](\.[0-9a-f]+)?p[+-]\d+f", text)
    assert np.float32(float.fromhex(text[:-1])) == np.float32(value)


@pytest.mark.parametrize("length", [None, 128, 2048])
@pytest.mark.parametrize("compiler", ["gcc", "arm-none-eabi-gcc"])
def test_it_compiles_without_a_warning(tmp_path: Path, length: int | None, compiler: str) -> None:
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is missing")
    contract = None if length is None else bundle(fft_length=length, bins=length // 2 + 1)
    for name, text in render_frontend(contract).items():
        (tmp_path / name).write_text(text)
        includes = f"-I{ROOT / 'firmware/core'}"
        command = [compiler, *FLAGS, includes, "-c", str(tmp_path / name)]
        subprocess.run([*command, "-o", tmp_path / "out.o"], check=True, timeout=600)


def test_the_tables_are_those_of_the_host() -> None:
    contract = bundle(
        **{"fft_length": 1024, "bins": 513, "mel_bands": 20, "compression": "log", "mfcc": 13}
    )
    text = render_frontend(contract)[TABLES]
    tables = make_tables(contract.frontend)
    for field in dataclasses.fields(tables):
        want = getattr(tables, field.name)
        match = re.search(rf"nj_frontend_{field.name}\[(\d+)\] = \{{\n(.*?)\n\}};", text, re.DOTALL)
        assert match is not None
        values = [v.strip().strip("{}").rstrip("f") for v in match[2].split(",") if v.strip()]
        assert int(match[1]) * (2 if field.name == "band" else 1) == len(values) == len(want)
        got = [float.fromhex(value) if "x" in value else int(value) for value in values]
        assert got == want.tolist()


def test_the_stage_holds_the_contract() -> None:
    contract = bundle(hop=300, frames=200, chunk_samples=61000, compression="none")
    text = render_frontend(contract)[STAGE]
    for line in (
        ".hop = 300u,",
        ".frames = 200u,",
        ".chunk_samples = 61000u,",
        "51200u, 0x1.010102p-8f, -128",
    ):
        assert line in text
    assert render_frontend(contract)[STAGE] == text
    assert ".present = false" in render_frontend(None)[STAGE]


def test_another_input_is_refused() -> None:
    contract = bundle()
    for wrong in (
        TensorContract((1, 49, 10, 1), "int8", 0.5, 0),
        TensorContract((1, 256, 256, 1), "float32", 0.0, 0),
        TensorContract((1, 256, 256, 1), "int8", 0.0, 0),
    ):
        with pytest.raises(BadInput) as caught:
            render_frontend(dataclasses.replace(contract, input=wrong))
        assert caught.value.evidence.startswith("Received: ")


@pytest.mark.parametrize("compiler", ["gcc", "arm-none-eabi-gcc"])
def test_a_streaming_stage_compiles_without_a_warning(tmp_path: Path, compiler: str) -> None:
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is missing")
    text = render_frontend(bundle(), stream=True)[STAGE]
    (tmp_path / STAGE).write_text(text)
    includes = f"-I{ROOT / 'firmware/core'}"
    command = [compiler, *FLAGS, includes, "-c", STAGE, "-o", "stage.o"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "static _Alignas(32) float ring[65536];" in text
    assert "ring" not in render_frontend(bundle())[STAGE]


def test_what_has_no_frames_does_not_stream() -> None:
    raw = bundle(
        name="raw", chunk_samples=600, hop=1, frames=600, bins=1, compression="none",
        spectrum="none", normalization="peak",
    )  # fmt: skip
    for contract, what in ((None, "a bare .tflite"), (raw, "a raw waveform")):
        render_frontend(contract)
        with pytest.raises(BadInput, match="nothing to stream") as failure:
            render_frontend(contract, stream=True)
        assert failure.value.evidence.startswith(f"Received: --stream for {what}")
