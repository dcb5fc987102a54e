import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host.errors import BadInput
from host.frontend_contract import FrontendContract
from host.reference.frontend import features
from host.reference.frontend_stream import FrontendStream, recording_features


@settings(max_examples=80, deadline=None)
@given(
    length=st.sampled_from((128, 256, 512)),
    hop=st.integers(1, 300),
    extra=st.integers(0, 900),
    hops=st.integers(1, 12),
    compression=st.sampled_from(("sqrt", "log1p", "log", "pcen")),
    seed=st.integers(0, 2**32 - 1),
    data=st.data(),
)
def test_blocks_of_any_size_give_the_bits_of_whole_chunks(
    length: int,
    hop: int,
    extra: int,
    hops: int,
    compression: str,
    seed: int,
    data: st.DataObject,
) -> None:
    samples = length + extra
    frames = data.draw(st.integers(1, min(30, 1 + samples // hop)))
    contract = FrontendContract(
        chunk_samples=samples,
        fft_length=length,
        hop=hop,
        frames=frames,
        bins=length // 2 + 1,
        compression=compression,
        mel_bands=10 if compression in ("log", "pcen") else 0,
        mfcc=5 if compression == "log" else 0,
    )
    rng = np.random.default_rng(seed)
    stride = hops * hop
    total = samples + data.draw(st.integers(0, 4)) * stride + data.draw(st.integers(0, stride - 1))
    recording = rng.integers(-32768, 32768, total).astype(np.int16)
    starts = range(0, total - samples + 1, stride)
    want = features(np.stack([recording[i : i + samples] for i in starts]), contract)
    stream = FrontendStream(contract, stride)
    got = []
    place = 0
    while place < total:
        size = int(rng.integers(1, data.draw(st.sampled_from((2, 50, 3000)))))
        got += list(stream.push(recording[place : place + size]))
        place += size
    assert len(got) == len(starts)
    np.testing.assert_array_equal(np.stack(got), want)
    np.testing.assert_array_equal(recording_features(recording, contract, stride), want)


def test_a_frame_is_computed_once() -> None:
    contract = FrontendContract(chunk_samples=6000, hop=200, frames=30, fft_length=512)
    recording = np.random.default_rng(1).integers(-999, 999, 6000 + 9 * 1000).astype(np.int16)
    stream = FrontendStream(contract, 1000)
    assert len(list(stream.push(recording))) == 10
    # Frames 2 to 28 lie inside the first chunk, and 5 more a chunk; 0, 1 and 29 reach beyond an end.
    assert stream.computed == 27 + 9 * 5 + 10 * 3


def test_a_stride_that_shares_no_frame_is_refused() -> None:
    for stride in (0, -234, 235):
        with pytest.raises(BadInput, match="multiple of the hop"):
            FrontendStream(FrontendContract(), stride)
