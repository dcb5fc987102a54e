import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host.errors import BadInput
from host.files import write_atomically
from host.frontend_contract import FrontendContract
from model_gen.models.build import build_model
from model_gen.models.checkpoint import (
    config_files,
    load_checkpoint,
    save_checkpoint,
    weights_sha256,
)
from model_gen.models.config import ModelConfig, config_path
from model_gen.models.dscnn import Options
from model_gen.runtime import tensorflow

CONFIG = ModelConfig(
    FrontendContract(
        sample_rate=8000, chunk_samples=4000, fft_length=128, hop=62, frames=64, bins=64
    ),
    ("a", "b"),
    num_mels=16,
    options=Options(alpha=0.25, depth_multiplier=0.25, embeddings_size=16),
)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tensorflow()
    path = tmp_path_factory.mktemp("checkpoint") / "x.keras"
    save_checkpoint(build_model(CONFIG), path)
    for name, content in config_files(CONFIG, path).items():
        write_atomically(name, content)
    return path


def test_a_checkpoint_gives_back_its_weights(checkpoint: Path) -> None:
    model, config = load_checkpoint(checkpoint)
    assert config == CONFIG
    assert weights_sha256(model) == weights_sha256(build_model(CONFIG))


def refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(BadInput, match=path.name):
        load_checkpoint(path)


@settings(max_examples=12, deadline=None)
@given(st.data())
def test_any_damage_to_what_a_checkpoint_holds_is_named(
    checkpoint: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Every byte counts, weights' above all, which Keras reads without a look at their CRC."""
    path = tmp_path_factory.mktemp("damage") / "x.keras"
    shutil.copy(config_path(checkpoint), config_path(path))
    content = bytearray(checkpoint.read_bytes())
    with zipfile.ZipFile(checkpoint) as archive:
        member = data.draw(st.sampled_from(archive.infolist()))
    start = member.header_offset + 30 + len(member.filename)
    at = start + data.draw(st.integers(0, member.file_size - 1))
    content[at] ^= 1 << data.draw(st.integers(0, 7))
    refused(path, bytes(content))
    refused(path, bytes(content[:at]))


def test_a_checkpoint_of_another_model_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    path = tmp_path / "x.keras"
    shutil.copy(config_path(checkpoint), config_path(path))
    with zipfile.ZipFile(checkpoint) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            data: Any = source.read(name)
            target.writestr(name, b"[1]" if name == "config.json" else data)
    refused(path, path.read_bytes())
