"""The engine's table: the peer is the one of the same multiply-accumulates."""

from host.report.engine import EngineRow, engine_json, engine_lines, peer_of


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
    found = engine_json(rows, "virtual")
    assert found["schema"] == "nightjar/bench/1"
    assert found["engine"][0]["ratio"] == 0.5
    assert found["engine"][1]["ratio"] is None
    assert found["engine"][1]["per_mac"] is None
    lines = engine_lines(rows)
    assert len(lines) == 4
    assert "1,786,904   0.50" in lines[1]
