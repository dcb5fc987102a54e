"""No byte of a bundle changes unseen."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from host.bundle import CONTRACT, Vectors, load_subject, vectors_to_npz, write_bundle
from host.contract import Contract, FrontendContract, TensorContract, check_seal
from host.errors import BadInput, IdentityFailure
from host.files import sha256_bytes

VECTORS = Vectors(
    np.ones((1, 4), np.int16),
    np.ones((1, 2, 2), np.float32),
    np.ones((1, 2, 2, 1), np.int8),
    np.ones((1, 2), np.int8),
)
FILES = {
    "model.tflite": b"a model, as far as a bundle is concerned",
    "labels.txt": b"robin\nwren\n",
    "vectors.npz": vectors_to_npz(VECTORS),
    "calibration.csv": b"path,start\nrobin/1.flac,0\n",
    "split.csv": b"path,split\nrobin/1.flac,train\n",
}
NAMES = (*FILES, CONTRACT)


def contract() -> Contract:
    return Contract(
        frontend=FrontendContract(),
        labels=("robin", "wren"),
        output_activation="sigmoid",
        input=TensorContract((1, 256, 256, 1), "int8", 1 / 255, -128),
        output=TensorContract((1, 2), "int8", 0.1, 0),
        rounding={"CONV_2D": "double"},
        files={name: sha256_bytes(data) for name, data in FILES.items()},
        tools={"test": "1"},
    )


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bundles") / "bundle"
    write_bundle(path, contract(), FILES)
    return path


def test_a_bundle_is_read_as_it_was_written(bundle: Path) -> None:
    subject = load_subject(bundle)
    assert subject.contract == contract()
    assert subject.contract_json == contract().to_json()
    vectors = subject.vectors()
    assert vectors is not None
    assert vectors.chunks.tolist() == VECTORS.chunks.tolist()


@pytest.mark.parametrize("name", NAMES)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_changed_byte_of_any_file_is_refused_as_identity(
    name: str, data: st.DataObject, bundle: Path
) -> None:
    file = bundle / name
    before = file.read_bytes()
    changed = bytearray(before)
    changed[data.draw(st.integers(0, len(before) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        file.write_bytes(changed)
        with pytest.raises(IdentityFailure, match=name):
            load_subject(bundle)
    finally:
        file.write_bytes(before)


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_file_is_named(name: str, bundle: Path) -> None:
    before = (bundle / name).read_bytes()
    (bundle / name).unlink()
    try:
        with pytest.raises(BadInput) as caught:
            load_subject(bundle)
        assert name in caught.value.evidence
    finally:
        (bundle / name).write_bytes(before)


def test_a_contract_without_a_seal_is_refused() -> None:
    text = contract().to_json()
    check_seal(text)
    lines = [line for line in text.splitlines(keepends=True) if b'"seal"' not in line]
    with pytest.raises(IdentityFailure, match="no seal"):
        check_seal(b"".join(lines))


def test_a_contract_names_no_file_outside_its_bundle() -> None:
    text = contract().to_json().replace(b'"split.csv"', b'"../split.csv"')
    with pytest.raises(BadInput, match="lies in its folder"):
        Contract.from_json(text)


def test_a_bundle_replaces_nothing_but_a_bundle(tmp_path: Path) -> None:
    precious = tmp_path / "recordings"
    precious.mkdir()
    (precious / "robin.wav").write_bytes(b"once in a lifetime")
    for place in (precious, precious / "robin.wav"):
        with pytest.raises(BadInput, match="replaces only"):
            write_bundle(place, contract(), FILES)
    assert (precious / "robin.wav").read_bytes() == b"once in a lifetime"
    (tmp_path / "empty").mkdir()
    for _ in range(2):
        write_bundle(tmp_path / "empty", contract(), FILES)
    load_subject(tmp_path / "empty")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "recordings"]
