"""A file read in any order is the file, and its digest is that of the whole."""

import hashlib
import io
import tempfile
from io import FileIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_gen.audio.stream import HEAD, Stream

DATA = hashlib.shake_256(b"njs").digest(4 * HEAD)


@given(
    st.integers(0, len(DATA)),
    st.lists(
        st.tuples(st.integers(0, len(DATA)), st.sampled_from([1, 44, 8192, HEAD, 3 * HEAD])),
        max_size=8,
    ),
)
def test_any_reads_give_the_file_and_the_digest_that_of_all(
    size: int, reads: list[tuple[int, int]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x"
        path.write_bytes(DATA[:size])
        with Stream(path) as stream:
            assert stream.size == size
            for at, count in reads:
                stream.seek(at)
                assert stream.read(count) == DATA[:size][at : at + count]
                assert stream.tell() == max(at, min(size, at + count))
            assert stream.seek(-size, io.SEEK_END) == 0
            assert stream.sha256() == hashlib.sha256(DATA[:size]).hexdigest()
            assert stream.trouble == ""


def test_a_head_that_is_put_right_is_read_and_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(DATA)
    with Stream(tmp_path / "x") as stream:
        stream.head[:4] = b"mend"
        assert stream.read(HEAD + 9) == b"mend" + DATA[4 : HEAD + 9]
        assert stream.sha256() == hashlib.sha256(DATA).hexdigest()


def test_a_read_that_fails_ends_the_file_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Failing(FileIO):
        def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
            if self.tell() >= 2 * HEAD:
                raise OSError(5, "Input/output error")
            return super().readinto(buffer)

    monkeypatch.setattr("model_gen.audio.stream.FileIO", Failing)
    (tmp_path / "x").write_bytes(DATA)
    with Stream(tmp_path / "x") as stream:
        assert stream.read(2 * HEAD) == DATA[: 2 * HEAD]
        assert stream.trouble == ""
        assert stream.read(HEAD) == b""
        assert stream.trouble == "Input/output error"
        with pytest.raises(OSError, match="Input/output"):
            stream.sha256()
