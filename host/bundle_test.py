"""No byte of a bundle changes unseen."""

import hashlib
import io
import json
import os
import re
import tracemalloc
import zipfile
import zlib
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from host.bundle import CONTRACT, Vectors, load_subject, vectors_to_npz, write_bundle
from host.contract import Contract, FrontendContract, TensorContract, check_seal
from host.errors import BadInput, IdentityFailure
from host.files import sha256_bytes

VECTORS = Vectors(
    np.ones((1, 128), np.int16),
    np.ones((1, 64, 2), np.float32),
    np.ones((1, 64, 2, 1), np.int8),
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
        frontend=FrontendContract(chunk_samples=128, fft_length=128, hop=64, frames=2, bins=64),
        labels=("robin", "wren"),
        output_activation="sigmoid",
        input=TensorContract((1, 64, 2, 1), "int8", 1 / 255, -128),
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


def test_a_bundle_travels_without_its_list(bundle: Path, tmp_path: Path) -> None:
    for name in NAMES:
        (tmp_path / name).write_bytes((bundle / name).read_bytes())
    assert load_subject(tmp_path).contract == contract()


def changed(folder: Path, vectors: bytes | None = None, **values: Any) -> Path:
    """A sealed bundle whose contract says other things, or that has other vectors."""
    files = FILES | ({} if vectors is None else {"vectors.npz": vectors})
    raw = json.loads(contract().to_json())
    raw["files"] = {name: sha256_bytes(data) for name, data in files.items()}
    for place, value in values.items():
        *above, last = place.split("__")
        target = raw
        for key in above:
            target = target[key]
        target[last] = value
    text = json.dumps({**raw, "seal": "0" * 64}, indent=1)
    seal = hashlib.sha256(text.encode()).hexdigest()
    folder.mkdir()
    (folder / CONTRACT).write_text(text.replace(f'"seal": "{"0" * 64}"', f'"seal": "{seal}"'))
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"input__scale": float("nan")}, "NaN is no finite number"),
        ({"quality": {"loss": float("inf")}}, "Infinity is no finite number"),
        ({"input__scale": 0}, "a scale above 0"),
        ({"input__scale": "1"}, r"input\.scale must be a number"),
        ({"input__zero_point": 200}, "from -128 to 127"),
        ({"input__zero_point": 1.5}, r"input\.zero_point must be a whole number"),
        ({"input__shape": [1, -64, 2, 1]}, "sizes of at least 1"),
        ({"input__shape": [1, 2**31, 2**31, 2**31]}, "at most 268,435,456 elements"),
        ({"input__shape": "1x64"}, r"input\.shape must be a list"),
        ({"input__dtype": "object"}, "int8 or float32"),
        ({"labels": ["robin"]}, "one label for each"),
        ({"labels": "ab"}, "labels must be a list"),
        ({"labels": ["robin", 2]}, r"labels\[1\] must be a text"),
        ({"labels": ["robin", "\ud800"]}, "surrogates not allowed"),
        ({"output_activation": "relu"}, "one of none, sigmoid, softmax"),
        ({"files__..": "0" * 64}, "lies in its folder"),
        ({"files__a\0b": "0" * 64}, "lies in its folder"),
        ({"files__a/b": "0" * 64}, "lies in its folder"),
        ({"frontend__hop": "234"}, r"frontend\.hop must be a whole number"),
        ({"frontend__fft_length": 3}, "power of two"),
        ({"rounding": ["ADD"]}, "rounding must be an object"),
        ({"more": 1}, "more is not known"),
    ],
)
def test_a_sealed_contract_that_no_bundle_has_is_bad_input(
    values: dict[str, Any], says: str, tmp_path: Path
) -> None:
    with pytest.raises(BadInput) as caught:
        load_subject(changed(tmp_path / "bundle", **values))
    assert re.search(says, f"{caught.value.what} {caught.value.evidence}"), caught.value


def packed(arrays: dict[str, np.ndarray[Any, Any]], **more: bytes) -> bytes:
    """An .npz packed by deflate, as somebody else may write it."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            entry = io.BytesIO()
            np.lib.format.write_array(entry, array, allow_pickle=True)
            archive.writestr(f"{name}.npy", entry.getvalue())
        for name, data in more.items():
            archive.writestr(f"{name}.npy", data)
    return stream.getvalue()


def arrays(**other: np.ndarray[Any, Any]) -> dict[str, np.ndarray[Any, Any]]:
    return {**asdict(VECTORS), **other}


def header(shape: tuple[int, ...], kind: str = "<i2", order: bool = False) -> bytes:
    stream = io.BytesIO()
    described = {"descr": kind, "fortran_order": order, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, described)
    return stream.getvalue()


class Trap:
    """Whoever unpickles it leaves a file."""

    def __reduce__(self) -> tuple[Any, tuple[str, str]]:
        return open, ("unpickled", "w")


def without_chunks(**more: bytes) -> bytes:
    return packed({k: v for k, v in arrays().items() if k != "chunks"}, **more)


def wrong_vectors() -> dict[str, tuple[bytes, str]]:
    trap = np.empty((1, 128), object)
    trap[0, 0] = Trap()
    many = io.BytesIO()
    with zipfile.ZipFile(many, "w") as archive:
        for number in range(1000):
            archive.writestr(str(number), b"")
    longer = {name: np.repeat(array, 2, axis=0) for name, array in arrays().items()}
    huge = header((1 << 40, 128))
    return {
        "no zip": (b"PK\x03\x04 and no more", "not a zip file"),
        "cut": (packed(arrays())[:-10], "zip"),
        "many entries": (many.getvalue(), "a zip with more than 4 members"),
        "one missing": (without_chunks(), "the files"),
        "one more": (packed(arrays(), more=b"x"), "5 members"),
        "twice": (packed(arrays(), chunkz=b"x").replace(b"chunkz", b"chunks"), "5 members"),
        "pickled": (packed(arrays(chunks=trap)), "object"),
        "other type": (packed(arrays(chunks=np.ones((1, 128), np.int32))), "int32"),
        "other order of bytes": (packed(arrays(chunks=np.ones((1, 128), ">i2"))), ">i2"),
        "other shape": (packed(arrays(chunks=np.ones((1, 129), np.int16))), "129"),
        "no axis": (packed(arrays(chunks=np.ones((), np.int16))), "of different lengths"),
        "one longer": (packed(longer | {"chunks": arrays()["chunks"]}), "of different lengths"),
        "claims more": (without_chunks(chunks=header((1, 128))), "another size"),
        "claims a terabyte": (without_chunks(chunks=huge), "of different lengths"),
        "no array": (without_chunks(chunks=b"x" * 200), "magic"),
        "code for a header": (
            without_chunks(chunks=b"\x93NUMPY\x01\x00\x10\x00" + b"__import__('os')"),
            "malformed",
        ),
    }


@pytest.mark.parametrize("name", wrong_vectors())
def test_vectors_that_are_none_are_bad_input(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    data, says = wrong_vectors()[name]
    with pytest.raises(BadInput, match=r"vectors\.npz must hold the arrays") as caught:
        load_subject(changed(tmp_path / "bundle", data))
    assert says in caught.value.evidence
    assert not (tmp_path / "unpickled").exists()


def test_four_megabytes_that_unpack_to_four_gigabytes_are_refused_at_once(tmp_path: Path) -> None:
    count = (4 << 30) // (2 * 128)
    first = header((count, 128))
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    begin = packer.compress(first) + packer.flush(zlib.Z_FULL_FLUSH)
    zeros = packer.compress(bytes(1 << 24)) + packer.flush(zlib.Z_FULL_FLUSH)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("chunks.npy", begin + zeros * 256 + packer.flush())
        entry = archive.getinfo("chunks.npy")
        entry.compress_type, entry.file_size = zipfile.ZIP_DEFLATED, len(first) + (4 << 30)
        for name, shape, kind in (
            ("features", (64, 2), "<f4"),
            ("inputs", (64, 2, 1), "|i1"),
            ("scores", (2,), "|i1"),
        ):
            archive.writestr(f"{name}.npy", header((count, *shape), kind))
    assert 4e6 < len(stream.getvalue()) < 5e6
    bundle = changed(tmp_path / "bundle", stream.getvalue())
    tracemalloc.start()
    with pytest.raises(BadInput, match=r"vectors\.npz"):
        load_subject(bundle)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 64 << 20


def test_more_than_a_bundle_may_unpack_is_refused_by_its_headers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = sum(array.nbytes for array in arrays().values())
    monkeypatch.setattr("host.bundle.MOST_UNPACKED", 2 * size)
    for count in (2, 3):
        many = packed({name: np.repeat(one, count, axis=0) for name, one in arrays().items()})
        folder = changed(tmp_path / str(count), many)
        if count == 2:
            load_subject(folder)
            continue
        with pytest.raises(BadInput) as caught:
            load_subject(folder)
        assert f"{3 * size:,} bytes; at most {2 * size:,}" in caught.value.evidence


def test_a_bundle_of_no_vectors_is_read(tmp_path: Path) -> None:
    none = packed({name: array[:0] for name, array in arrays().items()})
    vectors = load_subject(changed(tmp_path / "bundle", none)).vectors()
    assert vectors is not None
    assert vectors.features.shape == (0, 64, 2)


@pytest.mark.parametrize("name", NAMES)
def test_a_link_in_a_bundle_is_refused_by_its_name(name: str, tmp_path: Path) -> None:
    """Else the error would show the hash of a file that its reader may not see."""
    write_bundle(tmp_path / "bundle", contract(), FILES)
    secret = tmp_path / "secret"
    secret.write_bytes(b"0000")
    (tmp_path / "bundle" / name).unlink()
    (tmp_path / "bundle" / name).symlink_to(secret)
    with pytest.raises(BadInput, match=re.escape(name)) as caught:
        load_subject(tmp_path / "bundle")
    assert "which is a link" in caught.value.evidence
    assert sha256_bytes(b"0000") not in str(caught.value)


@pytest.mark.parametrize("name", NAMES)
def test_a_member_of_a_terabyte_is_refused_unread(name: str, tmp_path: Path) -> None:
    write_bundle(tmp_path / "bundle", contract(), FILES)
    with (tmp_path / "bundle" / name).open("r+b") as stream:
        stream.truncate(1 << 40)
    with pytest.raises(BadInput, match=re.escape(name)) as caught:
        load_subject(tmp_path / "bundle")
    assert "1,099,511,627,776 bytes" in caught.value.evidence


def test_what_is_no_bundle_and_no_model_is_said_to_be_so(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with (tmp_path / "sparse.tflite").open("wb") as stream:
        stream.truncate(1 << 40)
    for name, says in (
        ("fifo", "a FIFO"),
        ("absent", "does not exist"),
        ("sparse.tflite", "bytes"),
    ):
        with pytest.raises(BadInput) as caught:
            load_subject(tmp_path / name)
        assert says in caught.value.evidence
    with pytest.raises(BadInput, match=r"a bundle holds model\.tflite"):
        load_subject(tmp_path)


def test_a_bundle_replaces_nothing_but_a_bundle(tmp_path: Path) -> None:
    precious = tmp_path / "recordings"
    precious.mkdir()
    (precious / "robin.wav").write_bytes(b"once in a lifetime")
    for place in (precious, precious / "robin.wav"):
        with pytest.raises(BadInput, match=r"just as nightjar wrote it|must be a folder"):
            write_bundle(place, contract(), FILES)
    assert (precious / "robin.wav").read_bytes() == b"once in a lifetime"
    (tmp_path / "empty").mkdir()
    for _ in range(2):
        write_bundle(tmp_path / "empty", contract(), FILES)
    load_subject(tmp_path / "empty")
    notes = tmp_path / "empty" / "notes.txt"
    notes.write_text("how it was made")
    with pytest.raises(BadInput, match="just as nightjar wrote it") as caught:
        write_bundle(tmp_path / "empty", contract(), FILES)
    assert "notes.txt" in caught.value.evidence
    assert notes.read_text() == "how it was made"
    load_subject(tmp_path / "empty")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "recordings"]
