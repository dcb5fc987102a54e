"""The engine's table: the peer is the one of the same multiply-accumulates."""

from host.bench.engine import EngineRow, Refusal, engine_json, engine_lines, peer_of


def test_peer_is_found_by_macs() -> None:
    peer = peer_of(2_656_768)
    assert peer is not None
    assert (peer.instructions, peer.goal) == (1_786_904, 890_000)
    assert peer_of(2_656_769) is None


def test_table_with_and_without_peer() -> None:
    rows = [
        EngineRow("kws", 2_656_768, 893_452, 41_000, 16_064, peer_of(2_656_768)),
        EngineRow("own", 0, 100, 1, 16, None),
    ]
    refusals = [Refusal("float", "op 0, FULLY_CONNECTED: not int8")]
    found = engine_json(rows, refusals, "virtual")
    assert found["schema"] == "nightjar/bench/1"
    assert found["engine"][0]["ratio"] == 0.5
    assert found["engine"][1]["ratio"] is None
    assert found["engine"][1]["per_mac"] is None
    assert found["refused"] == [{"model": "float", "what": "op 0, FULLY_CONNECTED: not int8"}]
    lines = engine_lines(rows, refusals)
    assert len(lines) == 5
    assert lines[3] == "float: refused: op 0, FULLY_CONNECTED: not int8"
    assert "1,786,904   0.50" in lines[1]
