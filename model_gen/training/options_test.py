"""The table against what the field documents, and values against the table."""

import csv
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.errors import BadInput
from model_gen.training.option import check, declaration, default_of
from model_gen.training.option_docs import text
from model_gen.training.options import TrainOptions
from model_gen.training.presets import options_of, preset, table

ROOT = Path(__file__).parents[2]
DOCUMENTED = ROOT.parent / "shared/facts/training-options.csv"
DATA: dict[str, Any] = {"data_path_train": Path("data")}


def spelled(value: Any) -> str:
    """A default as the field's documentation writes it."""
    if value is None or value == ():
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


@pytest.mark.skipif(not DOCUMENTED.is_file(), reason="needs ../shared")
def test_every_documented_option_is_there_with_both_defaults() -> None:
    with DOCUMENTED.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) >= 70
    known = {name.replace("_", "-"): row for name, row in table().items()}
    assert {row["name"] for row in rows} - set(known) == set()
    for row in rows:
        declared, kind, _ = known[row["name"]]
        if row["name"] == "num-workers":  # the machine's own
            assert (row["april"], row["release"]) == (str(declared.april), "number of cores")
            continue
        wanted = [
            spelled(float(one)) if kind is float and one else one
            for one in (row["release"], row["april"])
        ]
        assert [spelled(declared.release), spelled(declared.april)] == wanted, row["name"]
        if row["type"] == "choice":
            assert set(row["choices"].split("|")) == set(declared.words) or declared.later is True
        assert (kind is bool) == (row["type"] == "flag"), row["name"]


@pytest.mark.skipif(not DOCUMENTED.is_file(), reason="needs ../shared")
def test_every_documented_range_is_the_table_s_or_holds_it() -> None:
    """A bound of one's own may be narrower; what lies outside the documented range is never taken."""
    with DOCUMENTED.open(newline="") as file:
        rows = list(csv.DictReader(file))
    bounds = 0
    for row in rows:
        declared, _, _ = table()[row["name"].replace("-", "_")]
        low = max(declared.least, declared.above)
        high = min(declared.most, declared.below)
        if found := re.match(r">(=?)([\d.]+)", row["choices"]):
            bounds += 1
            assert low >= float(found[2]), row["name"]
            assert found[1] or declared.above >= float(found[2]), row["name"]
        if found := re.search(r"([\d.]+?)\.\.(<?)([\d.]+)$", row["choices"]):
            bounds += 1
            assert low >= float(found[1]), row["name"]
            assert high <= float(found[3]), row["name"]
            assert not found[2] or declared.below <= float(found[3]), row["name"]
    assert bounds > 35


def test_the_documentation_is_the_table_s() -> None:
    """`python -m model_gen.training.option_docs > docs/training-options.md` mends it."""
    assert (ROOT / "docs/training-options.md").read_text() == text()


def test_the_defaults_of_release_are_valid_and_the_dataclass_s_own() -> None:
    assert options_of("release", DATA) == TrainOptions(**DATA)


def test_only_the_l2_of_release_is_not_yet_what_is_documented() -> None:
    differ = {name for name, (one, _, now) in table().items() if one.release != now}
    assert differ == {"l2"}
    assert TrainOptions(**DATA).l2 == 0
    assert preset("april")["l2"] == 0.0001
    assert "| `--l2` | number, at least 0, at most 10 | 0 (planned 0.0001) | 0.0001 |" in text()


def test_april_says_all_that_it_lacks_and_what_to_add() -> None:
    with pytest.raises(BadInput, match="preset april asks for what is not built yet") as caught:
        options_of("april", DATA)
    assert "--se" in caught.value.evidence
    assert "--inverted-residual" in caught.value.evidence
    added = {"se": False, "inverted_residual": False, "qat_mode": "faithful"}
    made = options_of("april", {**DATA, **added})
    assert (made.chunk_duration, made.label_smoothing, made.select) == (3.0, 0.1, "loss")
    assert (made.learning_rate, made.warmup_epochs, made.stopping) == (0.001, 0, "patience")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("epochs", 0, "at least 1, at most 10000; the nearest is 1"),
        ("label_smoothing", 0.7, "the nearest is 0.5"),
        ("embeddings_size", 250, "a multiple of 8, at least 8; the nearest is 248"),
        ("fft_length", 500, "the nearest is 512"),
        ("fft_length", 4096, "the nearest is 2048"),
        ("alpha", 0.0, "above 0, at most 8"),
        ("dropout", float("nan"), "Received: nan"),
        ("mag_scale", "pcem", "Did you mean pcen"),
        ("mag_scale", "pcen", "is not built yet"),
        ("audio_frontend", "librosa", "there is hybrid; the nearest is hybrid"),
        ("se", True, "--se is not built yet: off is all there is"),
        ("stage_widths", (8, 8, 8, 8), "32 64 128 256 is all there is"),
        ("teacher", Path("t.keras"), "not built yet"),
        ("input_compression", "log", "there is none, sqrt; the nearest is sqrt"),
        ("qat_mode", "shadow", "faithful is all there is"),
        ("stage_widths", (32, 64), "takes 4 numbers"),
        ("seed", 2**31, "the nearest is 2147483647"),
    ],
)
def test_what_is_not_valid_is_refused_with_the_nearest_that_is(
    name: str, value: Any, said: str
) -> None:
    with pytest.raises(BadInput) as caught:
        TrainOptions(**DATA, **{name: value})
    error = caught.value
    told = f"{error.what}; {error.evidence.removeprefix('Received: ')} {error.evidence}"
    assert f"--{name.replace('_', '-')}" in error.what
    assert all(part in told for part in said.split("; ")), told


@given(st.sampled_from([one.name for one in fields(TrainOptions)]), st.floats() | st.integers())
def test_the_nearest_value_that_an_error_names_is_valid(name: str, value: float) -> None:
    declared, kind, default = table()[name]
    if kind not in (int, float) or declared.later is True:
        return
    try:
        check(name, value, declared, default)
    except BadInput as error:
        _, found, nearest = error.evidence.partition("the nearest is ")
        if found:
            check(name, float(nearest), declared, default)


def test_every_default_of_both_presets_is_in_its_range() -> None:
    for one in fields(TrainOptions):
        for name in ("release", "april"):
            value = preset(name).get(one.name)
            if declaration(one).later is not True:
                check(one.name, value, declaration(one), default_of(one))


def test_every_option_says_what_it_is() -> None:
    for name, (declared, _, _) in table().items():
        assert declared.meaning.endswith("."), name
        assert declared.part in ("data", "model", "recipe", "run"), name
