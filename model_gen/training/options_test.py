"""The table against what the field documents, and values against the table."""

import csv
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.errors import BadInput
from model_gen.training.option import PARTS, Option
from model_gen.training.option_docs import text
from model_gen.training.option_value import check
from model_gen.training.options import TrainOptions
from model_gen.training.presets import options_of, preset, table
from model_gen.training.unsearched import reasons

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
        one = known[row["name"]]
        declared = one.declared
        if row["name"] == "num-workers":  # the machine's own
            assert (row["april"], row["release"]) == (str(declared.april), "number of cores")
            continue
        wanted = [
            spelled(float(default)) if known[row["name"]].kind is float and default else default
            for default in (row["release"], row["april"])
        ]
        assert [spelled(declared.release), spelled(declared.april)] == wanted, row["name"]
        if row["type"] == "choice":
            assert set(row["choices"].split("|")) <= set(declared.words) or one.unbuilt
        assert (one.kind is bool) == (row["type"] == "flag"), row["name"]


@pytest.mark.skipif(not DOCUMENTED.is_file(), reason="needs ../shared")
def test_every_documented_range_is_the_table_s_or_holds_it() -> None:
    """A bound of one's own may be narrower; what lies outside the documented range is never taken."""
    with DOCUMENTED.open(newline="") as file:
        rows = list(csv.DictReader(file))
    bounds = 0
    for row in rows:
        declared = table()[row["name"].replace("-", "_")].declared
        if found := re.match(r">(=?)([\d.]+)", row["choices"]):
            bounds += 1
            least = float(found[2])
            assert declared.least >= least if found[1] else declared.least > least, row["name"]
        if found := re.search(r"([\d.]+?)\.\.(<?)([\d.]+)$", row["choices"]):
            bounds += 1
            least, most = float(found[1]), float(found[3])
            assert declared.least >= least, row["name"]
            assert declared.most < most if found[2] else declared.most <= most, row["name"]
    assert bounds > 35


def test_the_documentation_is_the_table_s() -> None:
    """`python -m model_gen.training.option_docs > docs/training-options.md` mends it."""
    assert (ROOT / "docs/training-options.md").read_text() == text()


def test_the_defaults_of_release_are_valid_and_the_dataclass_s_own() -> None:
    assert options_of("release", DATA) == TrainOptions(**DATA)


def test_where_release_is_not_what_is_documented_the_page_says_both() -> None:
    differ = {name for name, one in table().items() if one.declared.release != one.default}
    learned = {"dropout", "spatial_dropout", "learning_rate", "epochs", "select"}
    assert differ == {"l2", *learned}
    assert TrainOptions(**DATA).l2 == 0
    assert preset("april")["l2"] == 0.0001
    assert "| `--l2` | number, at least 0, at most 10 | 0 (documented 0.0001) | 0.0001 |" in text()


def test_april_is_what_the_field_documented() -> None:
    made = options_of("april", DATA)
    assert (made.frontend_form, made.contract.bins, made.frontend_trainable) == (
        "april",
        257,
        False,
    )
    assert (made.se, made.se_reduction, made.inverted_residual) == (True, 8, True)
    assert (made.chunk_duration, made.label_smoothing, made.select) == (3.0, 0.1, "loss")
    assert (made.learning_rate, made.warmup_epochs, made.stopping) == (0.001, 0, "patience")


def test_the_compression_and_its_gain_come_into_the_contract() -> None:
    plain = {**DATA, "mag_scale": "none"}
    for compression in ("none", "sqrt", "log", "log1p"):
        made = TrainOptions(**plain, input_compression=compression).contract
        assert (made.compression, made.log1p_gain) == (compression, 1 << 10)
    assert TrainOptions(**plain, input_compression="log1p", log1p_gain=4).contract.log1p_gain == 4
    with pytest.raises(BadInput, match="the frontend's --log1p-gain needs compression log1p"):
        TrainOptions(**plain, input_compression="log", log1p_gain=4)
    for frontend in ("hybrid", "raw"):
        with pytest.raises(BadInput, match="leaves --log1p-gain nothing to decide"):
            options_of("release", {**DATA, "audio_frontend": frontend, "log1p_gain": 4})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"norm_low": 12000.0}, "--norm-low leaves it none"),
        ({"percentile_low": 9300}, "--percentile-low=9300, --percentile-high=9200"),
        ({"num_mels": 200, "fft_length": 128}, "fewer --num-mels or a longer --fft-length"),
        ({"audio_frontend": "log_mel", "mag_scale": "db"}, "another --audio-frontend"),
    ],
)
def test_what_no_contract_has_is_refused_in_the_names_of_options(
    given: dict[str, Any], said: str
) -> None:
    with pytest.raises(BadInput) as caught:
        options_of("release", {**DATA, **given})
    assert said in str(caught.value)
    assert "mel_low" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("epochs", 0, "at least 1, at most 10000; the nearest is 1"),
        ("label_smoothing", 0.7, "the nearest is 0.5"),
        ("embeddings_size", 250, "a multiple of 8, at least 8; the nearest is 248"),
        ("fft_length", 500, "the nearest is 512"),
        ("fft_length", 4096, "the nearest is 2048"),
        ("alpha", 0.0, "at least 0.01, at most 8; the nearest is 0.01"),
        ("dropout", float("nan"), "Received: nan"),
        ("mag_scale", "pcem", "Did you mean pcen"),
        ("audio_frontend", "librosas", "Did you mean librosa"),
        (
            "stage_widths",
            (8, 12, 8, 8),
            "a multiple of 8, at least 8, at most 4096; the nearest is 16",
        ),
        ("stage_widths", (8, 8, 8), "takes 4 numbers"),
        ("stage_repeats", (1, 0, 1, 1), "at least 1, at most 64; the nearest is 1"),
        ("depthwise_kernel", (3, 3, 4, 3), "3 or 5; the nearest is 5"),
        ("depthwise_kernel", (3, 5), "takes 1 or 4 numbers"),
        ("log1p_gain", 1000, "a power of two, at least 1, at most 1073741824; the nearest is 1024"),
        ("seed", 2**31, "the nearest is 2147483647"),
        ("chunk_duration", 61.0, "the nearest is 60"),
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


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"num_mels": 500}, "mel bands"),
        ({"num_mels": 200}, "every mel band"),
        ({"spec_width": 4096, "chunk_duration": 0.1}, "number of frames"),
        ({"chunk_duration": 0.02}, "shorter than the FFT"),
    ],
)
def test_there_are_no_options_of_a_model_that_cannot_be_built(
    given: dict[str, Any], said: str
) -> None:
    with pytest.raises(BadInput, match=said) as caught:
        TrainOptions(**DATA, **given)
    assert caught.value.next_step


@given(st.sampled_from(list(table().values())), st.floats() | st.integers())
def test_the_nearest_value_that_an_error_names_is_valid(one: Option, value: float) -> None:
    if one.kind not in (int, float) or (one.whole and isinstance(value, float)):
        return
    try:
        check(one, value)
    except BadInput as error:
        _, found, nearest = error.evidence.partition("the nearest is ")
        if found:
            check(one, one.kind(nearest))


@given(st.integers(1, 4000))
def test_the_nearest_power_of_two_is_so_by_difference(value: int) -> None:
    best = min((128, 256, 512, 1024, 2048), key=lambda power: abs(power - value))
    said = ""
    try:
        check(table()["fft_length"], value)
    except BadInput as error:
        said = error.evidence
    assert said == ("" if value == best else f"Received: {value}; the nearest is {best}")


def test_every_default_of_both_presets_is_in_its_range() -> None:
    for one in table().values():
        for name in ("release", "april"):
            value = preset(name).get(one.name)
            if one.is_built(value):
                check(one, value)


def test_what_tuning_draws_is_valid_and_of_what_the_field_documents() -> None:
    searched = {name for name, one in table().items() if one.declared.search}
    assert searched == {
        "alpha", "depth_multiplier", "embeddings_size", "learning_rate", "dropout", "batch_size",
        "mixup_alpha", "label_smoothing", "optimizer", "weight_decay", "grad_clip", "se",
        "se_reduction", "inverted_residual", "expansion_factor", "use_attention_pooling",
    }  # fmt: skip
    for name, one in table().items():
        assert bool(one.declared.search) + len(list(reasons(one))) == 1, name
    for name in searched:
        one = table()[name]
        built = replace(one, declared=replace(one.declared, later=()))
        for value in one.declared.search:
            if value != "log":
                assert isinstance(value, (int, float) if one.kind is float else one.kind)
                check(built, value)


def test_every_option_says_what_it_is() -> None:
    for name, one in table().items():
        assert one.declared.meaning.endswith("."), name
        assert one.declared.part in PARTS, name
