"""`nightjar cache` shows and prunes, and nothing outside."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from host.cache import CACHES, EXPECTATIONS, MESSAGES, key_of
from host.cli.cache import command
from host.errors import BadInput, HostFailure


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NIGHTJAR_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def cache(*arguments: str) -> dict[str, dict[str, Any]]:
    """Rows of the JSON by name."""
    done = CliRunner().invoke(command, [*arguments, "--json", "-"], catch_exceptions=False)
    assert done.exit_code == 0
    payload = json.loads(done.stdout)
    assert payload["schema"] == "nightjar/cache/1"
    return {row["name"]: row for row in payload["caches"]}


def test_show_lists_every_cache(root: Path) -> None:
    EXPECTATIONS.write(key_of("k"), bytes(100))
    rows = cache()
    assert list(rows) == list(CACHES)
    assert rows == cache("show")
    row = rows["expectations"]
    assert (row["entries"], row["bound"]) == (1, EXPECTATIONS.bound)
    assert row["bytes"] == (root / "expectations" / key_of("k")).stat().st_size
    assert row["oldest"].startswith("20")
    assert row["removed"] is None
    assert rows["messages"]["oldest"] is None
    text = CliRunner().invoke(command, []).output
    assert str(root) in text
    assert all(one.holds in text and one.verified in text for one in CACHES.values())


def test_prune_removes_what_is_over_the_bound_or_all_of_one(root: Path) -> None:
    for one in (EXPECTATIONS, MESSAGES):
        one.write(key_of("k"), bytes(100))
    assert {row["entries"] for row in cache("prune").values()} == {0, 1}
    rows = cache("prune", "--all", "--cache", "messages")
    assert list(rows) == ["messages"]
    assert (rows["messages"]["entries"], rows["messages"]["removed"]["entries"]) == (0, 1)
    assert EXPECTATIONS.read(key_of("k")) == bytes(100)
    assert cache("prune", "--all")["expectations"]["removed"]["entries"] == 1
    assert EXPECTATIONS.read(key_of("k")) is None


def test_prune_to_less_leaves_what_was_used_last(root: Path) -> None:
    for name in ("old", "new"):
        MESSAGES.write(key_of(name), bytes(1000))
    os.utime(root / "messages" / key_of("old"), (1, 1))
    rows = cache("prune", "--bound", "1500")
    assert (rows["messages"]["entries"], rows["messages"]["removed"]["entries"]) == (1, 1)
    assert MESSAGES.read(key_of("new")) == bytes(1000)
    assert cache("prune", "--bound", str(1 << 60))["messages"]["entries"] == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--cache", "nothing"], "expectations"),
        (["show", "--all"], "goes with prune"),
        (["--bound", "1"], "--bound goes"),
    ],
)
def test_bad_usage_is_refused(arguments: list[str], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        CliRunner().invoke(command, arguments, catch_exceptions=False)


def test_a_link_in_a_caches_place_is_refused(root: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / key_of("k")).write_text("mine")
    root.mkdir()
    (root / "expectations").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(HostFailure, match="cannot be pruned"):
        CliRunner().invoke(command, ["prune", "--all"], catch_exceptions=False)
    assert (tmp_path / "elsewhere" / key_of("k")).read_text() == "mine"
