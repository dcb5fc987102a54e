"""A frontend owns what it points to: threads with nothing made yet get the same bits, and so do those after them."""

import gc
import threading
from collections.abc import Callable

import numpy as np
import pytest

from host.reference import frontend_library as library
from host.reference.frontend import describe, describe_with, features
from host.reference.frontend_members import MEMBERS
from host.reference.frontend_stages import recorded_signal
from host.reference.frontend_stream import FrontendStream
from host.reference.frontend_tables import make_tables

CHUNKS = np.stack([recorded_signal()])
ROUNDS = 50


def litter() -> list[object]:
    """What takes the place of arrays that were freed."""
    return [np.full(count, np.nan, np.float32) for count in range(16, 4096, 16)]


def at_once(*bodies: Callable[[], None]) -> None:
    barrier = threading.Barrier(len(bodies))

    def run(body: Callable[[], None]) -> None:
        barrier.wait()
        body()

    threads = [threading.Thread(target=run, args=(body,)) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.parametrize("member", ["default", "mfcc", "mel-power-log-2048"])
def test_two_threads_with_nothing_made_yet_get_the_same_bits(member: str) -> None:
    contract = MEMBERS[member]
    want = features(CHUNKS, contract, threads=1).tobytes()
    got: list[bytes] = []

    def compute() -> None:
        got.append(features(CHUNKS, contract, threads=1).tobytes())
        kept = litter()
        got.append(features(CHUNKS, contract, threads=1).tobytes())
        del kept

    for number in range(ROUNDS):
        describe.forget()
        if number % 10 == 0:
            library.load.forget()
        at_once(compute, compute)
        assert set(got) == {want}, f"round {number}"
    assert len(got) == 4 * ROUNDS


def test_a_frontend_keeps_its_tables_and_nobody_changes_them() -> None:
    contract = MEMBERS["mfcc"]
    want = features(CHUNKS, contract)
    tables = make_tables(contract)
    described = describe_with(contract, tables)
    tables.window[:] = np.nan
    del tables
    gc.collect()
    kept = litter()
    assert not any(array.flags.writeable for array in described.owned.values())
    got = np.zeros((contract.mel_bands, contract.frames), np.float32)
    run = library.load()
    scratch = np.zeros(run.nj_frontend_scratch(described) + 16, np.float32)
    scratch = scratch[-scratch.ctypes.data % 64 // 4 :]
    run.nj_frontend_run(described, CHUNKS[0].ctypes, got.ctypes, scratch.ctypes)
    np.testing.assert_array_equal(got[: contract.rows], want[0])
    del kept


def test_a_stream_keeps_what_its_state_points_to() -> None:
    contract = MEMBERS["mel-log"]
    want = features(CHUNKS, contract)
    stream = FrontendStream(contract, contract.hop)
    describe.forget()
    gc.collect()
    kept = litter()
    (got,) = list(stream.push(CHUNKS[0]))
    np.testing.assert_array_equal(got, want[0])
    del kept
