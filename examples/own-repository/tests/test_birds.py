"""What our model must do on the board, with the fixtures of nightjar's plugin."""

import numpy as np


def test_the_board_computes_what_the_host_computes(verdict):
    assert verdict.exact, verdict.first_difference


def test_it_fits(verdict):
    assert verdict.footprint.ram < 2_000_000


def test_the_board_runs_our_model(board, bundle):
    assert board.hello.model.hex() == bundle.model_sha256


def test_silence_gives_the_same_answer_twice(board, bench):
    port = bench.oracle.reference.inputs[0]
    silence = np.zeros(port.shape, port.dtype)
    (first,), (second,) = board.infer(silence), board.infer(silence)
    assert np.array_equal(first, second)
