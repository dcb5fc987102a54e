"""Files of inputs: what is written comes back; all else is refused before it costs anything."""

import io
import re
import struct
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from host.errors import BadInput
from host.inputs import keys_of, read_inputs, write_inputs


@dataclass(frozen=True)
class Port:
    name: str
    shape: tuple[int, ...]
    dtype: Any


ONE = (Port("image", (1, 3, 2), "int8"),)
TWO = (Port("image", (1, 3, 2), "int8"), Port("gate", (1, 4), "float32"))

Array = np.ndarray[Any, np.dtype[Any]]


def drawn(ports: tuple[Port, ...], count: int, seed: int = 0) -> list[tuple[Array, ...]]:
    rng = np.random.default_rng(seed)
    return [
        tuple((100 * rng.standard_normal(p.shape)).astype(p.dtype) for p in ports)
        for _ in range(count)
    ]


def same(one: list[tuple[Array, ...]], other: list[tuple[Array, ...]]) -> bool:
    return len(one) == len(other) and all(
        a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
        for x, y in zip(one, other, strict=True)
        for a, b in zip(x, y, strict=True)
    )


shapes = st.lists(st.integers(1, 4), max_size=4).map(tuple)
ports = st.lists(
    st.builds(Port, st.text(max_size=300), shapes, st.sampled_from(["int8", "float32"])),
    min_size=1,
    max_size=4,
).map(tuple)
anywhere = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@anywhere
@given(ports=ports, count=st.integers(1, 3), seed=st.integers(0, 99))
def test_what_is_written_is_read(
    ports: tuple[Port, ...], count: int, seed: int, tmp_path: Path
) -> None:
    inputs = drawn(ports, count, seed)
    write_inputs(tmp_path / "x.npz", ports, inputs)
    assert same(read_inputs(tmp_path / "x.npz", ports), inputs)
    before = (tmp_path / "x.npz").read_bytes()
    write_inputs(tmp_path / "x.npz", ports, inputs)
    assert (tmp_path / "x.npz").read_bytes() == before
    with np.load(tmp_path / "x.npz") as npz:  # as anybody else would
        assert sorted(npz.files) == sorted(keys_of(ports))
    if len(ports) == 1:
        write_inputs(tmp_path / "x.npy", ports, inputs)
        assert same(read_inputs(tmp_path / "x.npy", ports), inputs)
        assert np.load(tmp_path / "x.npy").shape == (count, *ports[0].shape)


@given(st.lists(st.text(max_size=260), min_size=1, max_size=6))
def test_keys_differ_whatever_the_names_are(names: list[str]) -> None:
    keys = keys_of([Port(name, (1,), "int8") for name in names])
    assert len(set(keys)) == len(names)
    for name, key in zip(names, keys, strict=True):
        assert key.isprintable()
        assert 0 < len(key) < 220
        if names.count(name) == 1 and name.isprintable() and 0 < len(name) <= 200:
            assert key == name


def test_keys_say_which_input_is_meant() -> None:
    names = ["x", "x", "x#1", "", "in\0put", "serving_default_in/a:0", "y" * 300]
    keys = keys_of([Port(name, (1,), "int8") for name in names])
    assert keys[:4] == ("x#0", "x#1#", "x#1", "#3")
    assert keys[4:] == ("in_put#4", "serving_default_in/a:0", "y" * 200 + "#6")


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_what_numpy_writes_is_read(save: Any, tmp_path: Path) -> None:
    inputs = drawn(TWO, 3)
    image, gate = (np.stack([one[i] for one in inputs]) for i in range(2))
    save(tmp_path / "x.npz", gate=gate, image=np.asfortranarray(image))
    assert same(read_inputs(tmp_path / "x.npz", TWO), inputs)
    np.save(tmp_path / "x", image)
    assert same(read_inputs(tmp_path / "x.npy", ONE), [one[:1] for one in inputs])


def test_other_kinds_of_names_and_counts_are_not_written(tmp_path: Path) -> None:
    cases: list[tuple[str, tuple[Port, ...], list[tuple[Array, ...]]]] = [
        ("x.bin", ONE, drawn(ONE, 1)),
        ("x.npy", TWO, drawn(TWO, 1)),
        ("x.npz", ONE, []),
        ("x.npz", TWO, drawn(ONE, 1)),
        ("x.npz", ONE, [(np.zeros((1, 3, 2), np.uint8),)]),
        ("x.npz", ONE, [(np.zeros((3, 2), np.int8),)]),
        ("x.npz", TWO, [(np.zeros((1, 3, 2), np.int8), np.full((1, 4), np.nan, np.float32))]),
    ]
    for name, ports, inputs in cases:
        with pytest.raises(BadInput, match="inputs of this model are"):
            write_inputs(tmp_path / name, ports, inputs)
    assert list(tmp_path.iterdir()) == []


def npy(array: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue()


def npz(members: list[tuple[str, bytes]], **how: Any) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", **how) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return stream.getvalue()


def header(text: str, data: bytes = b"", version: bytes = b"\x01\x00") -> bytes:
    return b"\x93NUMPY" + version + struct.pack("<H", len(text)) + text.encode() + data


IMAGE, GATE = np.zeros((2, 1, 3, 2), np.int8), np.zeros((2, 1, 4), np.float32)
HUGE = "{'descr': '|i1', 'fortran_order': False, 'shape': (%d, 1, 3, 2)}\n"
SOME = "{'descr': '|i1', 'fortran_order': False, 'shape': (2, 1, 3, 2)}\n"
REFUSED_NPY: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "0 bytes"),
    "something else": (b"hello, world", "12 bytes that begin with b'hello,"),
    "of another type": (npy(IMAGE.astype(np.uint8)), r"'image' uint8 \[2, 1, 3, 2\]"),
    "of floats": (npy(IMAGE.astype(np.float32)), r"'image' float32 \[2, 1, 3, 2\]"),
    "of another shape": (npy(IMAGE[:, 0]), r"'image' int8 \[2, 3, 2\]"),
    "without a batch": (npy(IMAGE[0]), r"'image' int8 \[1, 3, 2\]"),
    "of no inputs": (npy(IMAGE[:0]), "so many of each input: {'image': 0}"),
    "a number": (npy(np.int8(3)), r"'image' int8 \[\]"),
    "of objects": (npy(np.array([{}], object)), "no plain .npy: object"),
    "of records": (npy(np.zeros(2, "i1,i1")), "'image' "),
    "cut off": (npy(IMAGE)[:-1], "in a file of 139 bytes"),
    "too long": (npy(IMAGE) + b"\0", "in a file of 141 bytes"),
    "cut off in its header": (npy(IMAGE)[:60], "no plain .npy"),
    "cut off in its magic": (npy(IMAGE)[:7], "no plain .npy"),
    "of a later version": (header(SOME, bytes(12), b"\x09\x00"), "no plain .npy"),
    "of many inputs": (header(HUGE % 2**40), "at most 1,073,741,824"),
    "of negative size": (header(HUGE % -2), "no plain .npy"),
    "of a size that is none": (header(SOME.replace("2, 1", "2.5, 1")), "no plain .npy"),
    "with a header that is code": (header("__import__('os').abort()\n"), "no plain .npy"),
    "with a header without end": (header("{" * 4000), "no plain .npy"),
    "with a long header": (header(SOME + " " * 5000), "a header of 5,064 bytes"),
}  # fmt: skip
REFUSED_NPZ: dict[str, tuple[bytes, str]] = {
    "an array alone": (npy(IMAGE), "a .npy, for a model with several inputs"),
    "nothing in it": (npz([]), r"keys \[\]; missing: \['image', 'gate'\]"),
    "one missing": (npz([("image.npy", npy(IMAGE))]), r"missing: \['gate'\]"),
    "one too many": (
        npz([("image.npy", npy(IMAGE)), ("gate.npy", npy(GATE)), ("x.npy", npy(GATE))]),
        r"keys \['image', 'gate', 'x'\]; missing: \[\]",
    ),
    "another number of each": (
        npz([("image.npy", npy(IMAGE)), ("gate.npy", npy(GATE[:1]))]), "{'image': 2, 'gate': 1}"
    ),
    "changed about": (
        npz([("image.npy", npy(GATE)), ("gate.npy", npy(IMAGE))]), "'image' float32"
    ),
    "big-endian": (
        npz([("image.npy", npy(IMAGE)), ("gate.npy", npy(GATE.astype(">f4")))]), "'gate' >f4"
    ),
    "not finite": (
        npz([("image.npy", npy(IMAGE)), ("gate.npy", npy(GATE + np.float32(np.inf)))]), "not finite"
    ),
    "no arrays": (npz([("image.npy", b"x"), ("gate.npy", b"y")]), "no plain .npy"),
    "compressed otherwise": (
        npz([("image.npy", npy(IMAGE)), ("gate.npy", npy(GATE))], compression=zipfile.ZIP_LZMA),
        "other than deflate",
    ),
    "cut off": (npz([("image.npy", npy(IMAGE)), ("gate.npy", npy(GATE))])[:-9], "cut off"),
    "of many arrays": (npz([(f"{i}.npy", b"") for i in range(20_000)]), "directory of"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED_NPY)
def test_arrays_that_do_not_fit_are_refused(case: str, tmp_path: Path) -> None:
    content, received = REFUSED_NPY[case]
    (tmp_path / "x.npy").write_bytes(content)
    with pytest.raises(BadInput, match=r"a \.npy int8 \[n, 1, 3, 2\], or a \.npz") as failure:
        read_inputs(tmp_path / "x.npy", ONE)
    assert _matches(received, failure.value.evidence)


@pytest.mark.parametrize("case", REFUSED_NPZ)
def test_archives_that_do_not_fit_are_refused(case: str, tmp_path: Path) -> None:
    content, received = REFUSED_NPZ[case]
    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(
        BadInput, match=r"'image' int8 \[n, 1, 3, 2\]; 'gate' float32 \[n, 1, 4\]"
    ) as failure:
        read_inputs(tmp_path / "x.npz", TWO)
    assert _matches(received, failure.value.evidence)


def _matches(pattern: str, text: str) -> bool:
    return re.search(pattern, text) is not None


def test_the_same_key_twice_is_refused(tmp_path: Path) -> None:
    members = [("image.npy", npy(IMAGE)), ("gate.npy", npy(GATE)), ("gate.npy", npy(GATE + 1))]
    with pytest.warns(UserWarning, match="Duplicate name"):
        (tmp_path / "x.npz").write_bytes(npz(members))
    with pytest.raises(BadInput, match="inputs of this model are"):
        read_inputs(tmp_path / "x.npz", TWO)


def test_a_small_file_does_not_become_a_large_array(tmp_path: Path) -> None:
    """64 MiB of zeros in 64 KiB, where the header says less, and a header that says too much."""
    bomb = npy(IMAGE) + bytes(1 << 26)
    for image in (bomb, header(HUGE % (1 << 26), bytes(100))):
        members = [("image.npy", image), ("gate.npy", npy(GATE))]
        (tmp_path / "x.npz").write_bytes(npz(members, compression=zipfile.ZIP_DEFLATED))
        assert (tmp_path / "x.npz").stat().st_size < 1 << 17
        with pytest.raises(BadInput, match="inputs of this model are"):
            read_inputs(tmp_path / "x.npz", TWO)


def test_no_file_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent"):
        with pytest.raises(BadInput, match="come from a file"):
            read_inputs(path, ONE)


GOOD = npz([("image.npy", npy(IMAGE)), ("gate.npy", npy(GATE))], compression=zipfile.ZIP_DEFLATED)


@anywhere
@given(data=st.data())
def test_damage_is_refused_or_harmless(data: st.DataObject, tmp_path: Path) -> None:
    content = bytearray(data.draw(st.sampled_from([GOOD, npy(IMAGE)])))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    del content[data.draw(st.integers(len(content) // 2, len(content))) :]
    (tmp_path / "x").write_bytes(bytes(content))
    for ports in (ONE, TWO):
        try:
            found = read_inputs(tmp_path / "x", ports)
        except BadInput:
            continue
        assert len(found) >= 1
        for one in found:
            assert [(a.dtype, a.shape) for a in one] == [
                (np.dtype(p.dtype), p.shape) for p in ports
            ]
