"""The text report: both dialects, alone or inside a log, and every damage refused in words."""

from pathlib import Path

import pytest
from hypothesis import given, settings

from host.errors import BadInput
from model_gen.codegen.neural_art.c_info import read_c_info
from model_gen.codegen.neural_art.compilation import Compilation
from model_gen.codegen.neural_art.report import parse_report, read_report
from model_gen.codegen.neural_art.testing.damage import damaged, read_or_refused
from model_gen.codegen.neural_art.testing.reports import report
from model_gen.codegen.neural_art.testing.shared import DATA, found, needs_data
from model_gen.codegen.neural_art.testing.written import (
    FLASH,
    FLASH_BYTES,
    RAM,
    RAM_BYTES,
    VERSIONS,
    Small,
)

MODEL = b"any .tflite"
LOGS = found("4.0.0_*.txt")


@pytest.mark.parametrize("controller", [False, True])
@pytest.mark.parametrize("version", VERSIONS)
def test_both_dialects_become_one_model(version: str, controller: bool) -> None:
    small = Small(version, MODEL, controller)
    found = parse_report(report(small))
    made = found.compilation
    assert made.dialect.name == version
    # 2.0 prints zeros for the version of its compiler.
    assert made.compiler == (None if version == "2.0" else small.compiler.split()[0])
    assert [(e.number, e.kind, e.ops, e.why) for e in made.epochs] == [
        (2, "hardware", (), ""),
        (3, "software", ("Softmax",), "a function of floats, which the core computes"),
    ]
    assert (made.weights, made.activations, found.macs) == (160, 768, 2560)
    assert [(p.name, p.address, p.bytes, p.used) for p in made.pools] == [
        ("npuRAM5", RAM, RAM_BYTES, 768),
        ("npuRAM6", RAM + RAM_BYTES, RAM_BYTES, 0),
        ("octoFlash", FLASH, FLASH_BYTES, 160),
    ]
    assert [(layer.name, layer.op, layer.macs) for layer in found.layers] == [
        ("x", "", 0),
        ("conv2d_0", "CONV_2D", 2304),
        ("nl_1", "SOFTMAX", 256),
    ]
    assert made.npu


@pytest.mark.parametrize("version", ["2.2", "4.0"])
def test_an_ordinary_report_is_known_for_one(version: str) -> None:
    small = Small(version, MODEL, npu=False)
    made = parse_report(report(small)).compilation
    assert not made.npu
    assert [(e.kind, e.ops, e.macs) for e in made.epochs] == [
        ("software", ("Conv2D",), 2304),
        ("software", ("Softmax",), 256),
    ]
    assert made.models[0].md5 == small.md5.removeprefix("0x")


def test_line_ends_indents_colours_and_a_progress_bar_do_no_harm() -> None:
    plain = report(Small("4.0", MODEL))
    lines = plain.split("\n")
    bars = [
        f"PASS: {n:3}%|{'#' * (n // 10):<10}| {n}/100 [00:{n:02}<00:06,  3.16s/it]"
        for n in range(60)
    ]
    shown = "\r\n".join(
        f"{bars[n % 60]}\r{' ' * len(bars[n % 60])}\r{line}\r{bars[n % 59]}"
        for n, line in enumerate(lines)
    )
    assert parse_report(shown) == parse_report(plain)
    # As logs keep it that lose the returns.
    assert parse_report(shown.replace("\r", "")) == parse_report(plain)
    coloured = "\n".join(f"\x1b[2K\x1b[32m{line}\x1b[0m" for line in lines)
    assert parse_report(coloured) == parse_report(plain)


@pytest.mark.parametrize("counted", [False, True])
def test_a_pool_that_joins_others_counts_once_or_not_at_all(counted: bool) -> None:
    text = report(Small("4.0", MODEL))
    line = next(line for line in text.split("\n") if "npuRAM5" in line)
    joined = line.replace("npuRAM5   ", "npuRAM5_6 ").replace("0x34350000", "0x343C0000")
    changed = text.replace(line, f"{line}\n{joined}")
    if counted:
        changed = changed.replace("928  B", "1.656 kB").replace(
            "        768  B      \n", " 1.500 kB \n"
        )
    pools = parse_report(changed).compilation.pools
    assert [pool.name for pool in pools if pool.joined] == ["npuRAM5_6"]


def test_hybrid_epochs_are_a_kind_of_their_own() -> None:
    text = report(Small("4.0", MODEL))
    text = text.replace("|  SW  | Softmax |", "| HYBRID | Transpose |")
    text = text.replace("(SW) epochs                          1", "(SW) epochs    0")
    text = text.replace("and hardware)   0", "and hardware)   1")
    made = parse_report(text).compilation
    assert [(e.kind, e.why) for e in made.epochs][1] == (
        "hybrid",
        "the layout of a tensor changes: the core, or its DMA, copies it",
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("v4.0.1-20581 7ed50de05", "v9.0.1", "a known version of stedgeai"),
        ("ST Edge AI Core", "Another tool", "a line `ST Edge AI Core v"),
        ("epochs                               2", "epochs    3", "as many epochs as it counts"),
        ("| epoch_3  |  SW  |", "| epoch_3  |  XY  |", "epochs of the kinds HW, EC, SW"),
        ("| epoch_3  |", "| epoch_2  |", "as many epochs as it counts"),
        ("Total:                       928", "Total:                       920", "add up to"),
        ("Total: ", "Sum: ", "its memory pools, and their total"),
        ("Epochs details", "Epochs", "`Epochs details`"),
        ("macc=2,560", "macc=2,561", "as many multiply-accumulates"),
        (">> hybrid", ">> other", "the number of its epochs"),
    ],
)
def test_what_contradicts_itself_is_refused(old: str, new: str, said: str) -> None:
    text = report(Small("4.0", MODEL))
    assert old in text
    with pytest.raises(BadInput, match=said):
        parse_report(text.replace(old, new))


@pytest.mark.parametrize("version", ["2.2", "4.0"])
def test_a_report_that_ends_too_early_is_refused(version: str) -> None:
    lines = report(Small(version, MODEL)).split("\n")
    last = next(n for n, line in enumerate(lines) if "epoch_3" in line or "epoch 3" in line)
    for end in range(last):
        with pytest.raises(BadInput):
            parse_report("\n".join(lines[:end]))


@settings(max_examples=120, deadline=None)
@given(damaged(report(Small("2.2", MODEL))))
def test_any_damaged_report_is_read_or_refused(text: str) -> None:
    read_or_refused(parse_report, text)


@settings(max_examples=80, deadline=None)
@given(damaged(report(Small("4.0", MODEL, npu=False))))
def test_any_damaged_ordinary_report_is_read_or_refused(text: str) -> None:
    read_or_refused(parse_report, text)


# By folder and file: epochs, in software, multiply-accumulates of the model.
REAL = {
    "alexgraefe_v3.0_mobilenetv2_n6/network_generate_report.txt": (56, 1, 22464344),
    "hansangmin_2.0.0_tinyyolo-ec-n6/network_generate_report.txt": (21, 1, 777482634),
    "krjames_4.0.0_dscnn-n6/network_generate_report.txt": (18, 0, 5130705),
    "lotfi_pid/network_generate_report.txt": (6, 6, 5345),
    "magnus_silicon/c16_3x3/2.2.0/network_generate_report.txt": (2, 0, 1900560),
    "magnus_silicon/c16_3x3_pool/2.2.0/network_generate_report.txt": (2, 0, 1916944),
    "magnus_silicon/c32_1x1/2.2.0/network_generate_report.txt": (2, 0, 655392),
    "magnus_silicon/dw3x3/2.2.0/network_generate_report.txt": (3, 0, 135171),
    "muazzam_v2.2_blazeface_n6/network_analyze_report.txt": (85, 27, 32092044),
    "muazzam_v2.2_blazeface_n6/network_generate_report.txt": (85, 27, 32092044),
    "st-u3aed_4.0.0_yamnet-hsp/network_generate_report.txt": (15, 15, 24382234),
    "st_audio_v2.2_yamnet/network_analyze_report.txt": (39, 3, 71164808),
    "tintran_2.2.0_mobilenetv1-n6/network_generate_report.txt": (33, 2, 42378954),
}
REPORTS = found("*generate_report.txt", "*analyze_report.txt")


@needs_data
@pytest.mark.parametrize("path", REPORTS, ids=lambda path: str(path.relative_to(DATA)))
def test_real_reports_agree_with_themselves(path: Path) -> None:
    made = read_report(path)
    epochs, software, macs = REAL[path.relative_to(DATA).as_posix()]
    assert (len(made.compilation.epochs), made.macs) == (epochs, macs)
    assert len(made.compilation.of("software")) == software


@needs_data
@pytest.mark.parametrize("path", LOGS, ids=lambda path: str(path.relative_to(DATA)))
def test_a_report_is_found_inside_a_log(path: Path) -> None:
    made = read_report(path).compilation
    assert (str(made.version), made.compiler) == ("4.0.0-20500", "1.1.3-262")
    assert len(made.of("hardware")) == len(made.epochs) == (2 if "c32_1x1" in str(path) else 1)
    assert made.models[0].md5 is not None


BOTH = ["alexgraefe_v3.0_mobilenetv2_n6", "krjames_4.0.0_dscnn-n6", "muazzam_v2.2_blazeface_n6"]
PAIRS = {
    **dict.fromkeys(BOTH, "network_c_info.json"),
    "tintran_2.2.0_mobilenetv1-n6": "c_info.json",
}


@needs_data
@pytest.mark.parametrize(("folder", "name"), PAIRS.items())
def test_report_and_c_info_tell_the_same(folder: str, name: str) -> None:
    def told(made: Compilation) -> list[object]:
        epochs = [(e.number, e.kind, e.ops if e.why else ()) for e in made.epochs]
        pools = sorted(
            (p.name, p.address, p.weights, p.activations) for p in made.pools if not p.joined
        )
        return [made.version, made.compiler, epochs, pools]

    assert told(read_report(DATA / folder / "network_generate_report.txt").compilation) == told(
        read_c_info(DATA / folder / name)
    )


def test_an_epoch_that_an_old_report_has_no_word_for_is_hybrid() -> None:
    """2.1 prints ?? where its c_info says NODE_SW_HW, and does not count it as software."""
    text = report(Small("2.1", b""))
    old, count = "epoch 3      -SW-   (     Softmax      )", "of which 1 implemented"
    assert old in text
    assert count in text
    text = text.replace(old, "epoch 3       ??    ").replace(count, "of which 0 implemented")
    (epoch,) = parse_report(text).compilation.of("hybrid")
    assert (epoch.number, epoch.ops) == (3, ())


@pytest.mark.parametrize("last", ["6", "2", "1", "999999999"])
def test_a_program_of_the_epoch_controller_is_a_range_of_epochs(last: str) -> None:
    text = report(Small("4.0", b"", controller=True))
    for old, new in (
        ("| epoch_2  |  HW  |         |", f"| epochs    2 -> {last} |  EC  |         |"),
        ("epoch_3 ", "epoch_7 "),
        ("Total number of epochs                               2", "Total number of epochs  6"),
        ("(HW or EC) epochs                    1", "(HW or EC) epochs  5"),
    ):
        assert text.count(old) == 1
        text = text.replace(old, new)
    if last != "6":
        with pytest.raises(BadInput, match="as many epochs as it counts"):
            parse_report(text)
        return
    made = parse_report(text).compilation
    assert [epoch.number for epoch in made.of("hardware")] == [2, 3, 4, 5, 6]
    assert [epoch.number for epoch in made.of("software")] == [7]
