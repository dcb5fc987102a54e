"""Which model a network is of: by signature, by weights and shapes, never by names; and what belongs together."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host.errors import BadInput, IdentityFailure
from model_gen.codegen.neural_art.network_source import parse_network
from model_gen.codegen.neural_art.output_folder import Output, of_files, read_output
from model_gen.codegen.neural_art.proof import belonging, check_npu, md5
from model_gen.codegen.neural_art.provenance import identify
from model_gen.codegen.neural_art.testing.damage import damaged, read_or_refused
from model_gen.codegen.neural_art.testing.model import small_model
from model_gen.codegen.neural_art.testing.network_c import network_c
from model_gen.codegen.neural_art.testing.output import output_files, write_output
from model_gen.codegen.neural_art.testing.shared import found, needs_data
from model_gen.codegen.neural_art.testing.written import (
    INNER_SCALE,
    INNER_ZERO,
    VERSIONS,
    WEIGHT_SCALE,
    WEIGHTS,
    Small,
)

INFO, REPORT, QUANTIZED = (
    "network_c_info.json",
    "network_generate_report.txt",
    "bird_OE_3_3_0_Q.json",
)


def small(version: str = "4.0", *, controller: bool = False, npu: bool = True) -> Small:
    return Small(version, small_model(), controller=controller, npu=npu)


def without(files: dict[str, bytes], *names: str) -> Output:
    return of_files({name: data for name, data in files.items() if name not in names})


@pytest.mark.parametrize("controller", [False, True])
@pytest.mark.parametrize("version", VERSIONS)
def test_a_signature_names_the_very_file(version: str, controller: bool) -> None:
    output = of_files(output_files(small(version, controller=controller)))
    check_npu(output)
    assert belonging(output).how == "tables"
    identity = identify(output, small_model())
    assert (identity.how, identity.found, identity.tensors) == ("signature", 1, 1)
    assert md5(small_model()) in identity.statement
    with pytest.raises(IdentityFailure, match="compiled from another model"):
        identify(output, small_model(changed=True))


def test_the_signature_of_a_c_info_of_another_network_counts_for_nothing() -> None:
    """Whoever asks for the identity need not have asked before what belongs together."""
    files = output_files(small())
    files["network.c"] = files["network.c"].replace(b"{ 0.05 }", b"{ 0.06 }")
    with pytest.raises(BadInput, match=r"c_info and network\.c must be of one generation"):
        identify(of_files(files), small_model())


def test_names_of_files_say_nothing() -> None:
    files = output_files(small())
    renamed = {
        name.replace("network", "other").replace("bird", "cat"): d for name, d in files.items()
    }
    output = of_files(renamed)
    assert output.network_name == "other.c"
    assert identify(output, small_model()).how == "signature"


def test_without_a_signature_weights_and_shapes_decide_and_it_is_said() -> None:
    output = without(output_files(small()), INFO, QUANTIZED)
    check_npu(output)
    assert belonging(output).how == "alone"
    identity = identify(output, small_model())
    assert (identity.how, identity.bytes) == ("weights and shapes", len(WEIGHTS))
    assert "no c_info signs the model" in identity.statement
    with pytest.raises(IdentityFailure, match=r"the weights of op 0, int8 \[16, 3, 3, 1\]"):
        identify(output, small_model(changed=True))


def test_what_nothing_ties_to_network_c_can_only_contradict() -> None:
    output = without(output_files(small()), INFO)
    identity = identify(output, small_model())
    assert identity.how == "weights and shapes"
    assert identity.witnesses == ("the quantization file",)
    with pytest.raises(IdentityFailure, match="the quantization file signs"):
        identify(output, small_model(changed=True))


@pytest.mark.parametrize("image", [bytes(160), WEIGHTS[:-1] + bytes([9]) + bytes(16)])
def test_constants_of_another_network_are_refused_though_c_info_signs(image: bytes) -> None:
    files = output_files(small())
    files["network_atonbuf.xSPI2.raw"] = image
    output = of_files(files)
    assert belonging(output).how == "tables"
    with pytest.raises(IdentityFailure, match=r"constants of another network.*\n.*weights.*op 0"):
        identify(output, small_model())


def test_weights_of_another_scale_are_another_model() -> None:
    files = output_files(small())
    old = f"{{ {', '.join([str(WEIGHT_SCALE)] * 16)} }}"
    assert old in files["network.c"].decode()
    new = old.replace(str(WEIGHT_SCALE), "0.02", 1)
    files["network.c"] = files["network.c"].decode().replace(old, new).encode()
    with pytest.raises(IdentityFailure, match="the weights of op 0"):
        identify(without(files, INFO, QUANTIZED), small_model())


def test_the_same_weights_calibrated_on_other_data_are_another_model() -> None:
    """Ends and weights are the same; what lies between has another scale."""
    assert (
        "scales of its 1 internal tensors are the model's"
        in identify(without(output_files(small()), INFO, QUANTIZED), small_model()).statement
    )
    files = output_files(small())
    source = files["network.c"].decode()
    at = source.index("LL_ATON_Internal_Buffers_Info")
    inner = source[at:].replace(f"{{ {INNER_SCALE} }}", "{ 0.03 }")
    assert inner != source[at:]
    files["network.c"] = (source[:at] + inner).encode()
    with pytest.raises(IdentityFailure, match=r"an internal tensor .* of scale 0\.03"):
        identify(without(files, INFO, QUANTIZED), small_model())


@pytest.mark.parametrize(
    ("old", "new"),
    [("offset_end = 16,", "offset_end = 32,"), ("{ 0.0078125 }", "{ 0.5 }"), ("{ -1 }", "{ 7 }")],
)
def test_other_ends_are_another_model(old: str, new: str) -> None:
    files = output_files(small())
    assert old in files["network.c"].decode()
    files["network.c"] = files["network.c"].decode().replace(old, new).encode()
    with pytest.raises(IdentityFailure, match="inputs"):
        identify(without(files, INFO, QUANTIZED), small_model())


def test_kernels_that_were_cut_are_put_together() -> None:
    files = output_files(small())
    source = files["network.c"].decode()
    entry = source[source.index('    {\n      .name = "Conv2D_2_weights"') :]
    entry = entry[: entry.index("    },\n") + len("    },\n")]
    first = entry.replace("_weights", "_weights_submask_0_0").replace("= 144", "= 100")
    second = entry.replace("_weights", "_weights_submask_0_1").replace("start = 0", "start = 100")
    files["network.c"] = source.replace(entry, first + second).encode()
    assert identify(without(files, INFO, QUANTIZED), small_model()).found == 1


@pytest.mark.parametrize("version", VERSIONS)
def test_an_ordinary_build_is_refused(version: str) -> None:
    output = of_files(output_files(small(version, npu=False)))
    with pytest.raises(BadInput, match="did not compile this network for the NPU"):
        check_npu(output)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_report_of_another_network_is_refused_where_it_is_the_only_witness(version: str) -> None:
    files = output_files(small(version))
    assert belonging(without(files, INFO)).how == "alone"
    number = b"epoch 3 " if version < "3" else b"epoch_3 "
    assert files[REPORT].count(number) == 1
    other = files | {REPORT: files[REPORT].replace(number, number.replace(b"3", b"4"))}
    with pytest.raises(BadInput, match=r"epoch 3 of network\.c is absent from the report"):
        belonging(without(other, INFO))


def test_an_epoch_that_one_runs_on_the_npu_and_the_other_on_the_core_is_another_network() -> None:
    files = output_files(small())
    source = files["network.c"].decode()
    assert source.count("pure_sw") == 1
    files["network.c"] = source.replace("pure_sw", "pure_hw").encode()
    with pytest.raises(BadInput, match="epoch 3 is software in c_info"):
        belonging(of_files(files))
    with pytest.raises(BadInput, match="epoch 3 is software in the report"):
        belonging(without(files, INFO))


@pytest.mark.parametrize(
    ("old", "new"),
    [(f"{{ {INNER_ZERO} }}", "{ 4 }"), ("= 0,\n      .nbits = 8", "= 0,\n      .nbits = 16")],
)
def test_buffers_of_another_zero_point_or_type_are_another_network(old: str, new: str) -> None:
    files = output_files(small())
    source = files["network.c"].decode()
    at = source.index("LL_ATON_Internal_Buffers_Info")
    assert source[at:].count(old) == 1
    files["network.c"] = (source[:at] + source[at:].replace(old, new)).encode()
    with pytest.raises(BadInput, match=r"buffer Conv2D_2_off_bias_out_1 .* differs"):
        belonging(of_files(files))


@pytest.mark.parametrize(
    "programs", [b"", b"static const uint64_t _ec_blob_2[] = {0};", b"uint64_t _ec_blob_1[] = {0, "]
)
def test_a_program_of_the_epoch_controller_that_is_absent_or_half_is_refused(
    programs: bytes,
) -> None:
    files = output_files(small(controller=True))
    assert b".blob_address = (uintptr_t)(_ec_blob_1)," in files["network.c"]
    assert "by their names alone" in belonging(of_files(files)).statement
    with pytest.raises(BadInput, match=r"file with its programs.*\n.*_ec_blob_1"):
        belonging(of_files(files | {"network_ecblobs.h": programs}))


@pytest.mark.parametrize(
    "programs",
    [
        "static const uint64_t _ec_blob_1 [] =\n{\n  // words\n  0x1,\n};",
        "static const uint64_t _ec_blob_1[8] =\n{ 0 };",
        "static const uint64_t _ec_blob_1_reloc [] = { 0 };\nstatic uint64_t _ec_blob_1[16367];",
    ],
)
def test_every_form_of_a_program_is_known(programs: str) -> None:
    """Those that the tool moves to their place at the start are copied into an array without a content."""
    files = output_files(small(controller=True))
    belonging(of_files(files | {"network_ecblobs.h": programs.encode()}))
    lost = programs.replace("_reloc [] = { 0 }", "_reloc [] = { 0, ").replace("=\n{", "=\n")
    with pytest.raises(BadInput, match="file with its programs"):
        belonging(of_files(files | {"network_ecblobs.h": lost.encode()}))


def test_a_program_may_be_named_by_a_definition() -> None:
    files = output_files(small(controller=True))
    files["network.c"] = files["network.c"].replace(b"(_ec_blob_1),", b"(_ec_blob_1_address),")
    belonging(of_files(files))


@pytest.mark.parametrize("version", VERSIONS)
def test_ends_in_memory_that_the_user_gives_are_no_contradiction(version: str) -> None:
    """--no-inputs-allocation: c_info has a pool without an address, and network.c none."""
    files = output_files(small(version))
    raw = json.loads(files[INFO])
    raw["memory_pools"].append(
        raw["memory_pools"][0]
        | {"id": 9, "name": "_user_io_input_0", "address": "", "used_size_bytes": 0}
    )
    raw["memory_pools"][-1]["size_bytes"] = 16
    (end,) = (buffer for buffer in raw["buffers"] if buffer["name"] == "Input_0_out_0")
    end["mpool_id"] = 9
    source = files["network.c"].decode()
    at = source.index('.name = "Input_0_out_0"')
    base = source.index(".addr_base", at)
    lines = source[base:].split("\n", 1)
    source = (
        f"{source[:base]}.addr_base = {{(unsigned char *)_mem_pool__user_io_input_0}},\n{lines[1]}"
    )
    moved = files | {INFO: json.dumps(raw).encode(), "network.c": source.encode()}
    assert belonging(of_files(moved)).how == "tables"
    identify(of_files(moved), small_model())


@pytest.mark.parametrize("controller", [False, True])
def test_lines_may_end_as_on_windows(controller: bool) -> None:
    files = output_files(small(controller=controller))
    texts = {name: data for name, data in files.items() if not name.endswith(".raw")}
    turned = {name: data.replace(b"\n", b"\r\n") for name, data in texts.items()}
    one, other = of_files(files), of_files(files | turned)
    assert (one.network, one.c_info, one.report) == (other.network, other.c_info, other.report)
    assert belonging(other) == belonging(one)
    assert identify(other, small_model()) == identify(one, small_model())


def test_a_list_of_epochs_without_one_in_hardware_is_refused() -> None:
    files = output_files(small())
    files["network.c"] = files["network.c"].replace(b"pure_hw", b"pure_sw")
    with pytest.raises(BadInput, match="2 epochs, and none in hardware"):
        check_npu(of_files(files))


def test_a_c_info_without_the_npu_or_without_hardware_is_refused() -> None:
    files = output_files(small("2.2"))
    ordinary = output_files(small("2.2", npu=False))[INFO]
    with pytest.raises(BadInput, match="no NPU compiler"):
        check_npu(of_files(files | {INFO: ordinary}))
    raw = json.loads(files[INFO])
    raw["graphs"][0]["nodes"][1]["mapping"] = "NODE_SW"
    with pytest.raises(BadInput, match="a c_info of 2 epochs, and none in hardware"):
        check_npu(of_files(files | {INFO: json.dumps(raw).encode()}))


def test_network_c_tells_which_epochs_are_hybrid() -> None:
    files = output_files(small("2.2"))
    told = of_files(files).compilation
    assert told is not None
    assert [epoch.kind for epoch in told.epochs] == ["hardware", "software"]
    files["network.c"] = files["network.c"].replace(b"pure_sw", b"hybrid")
    made = of_files(files).compilation
    assert made is not None
    assert [(epoch.kind, epoch.why) for epoch in made.epochs] == [
        ("hardware", ""),
        ("hybrid", "a function of floats, which the core computes"),
    ]


def test_weights_that_the_model_has_twice_must_be_there_twice() -> None:
    output = without(output_files(small()), INFO, QUANTIZED)
    with pytest.raises(IdentityFailure, match="the weights of op 2"):
        identify(output, small_model(twice=True))


def edited(change: Callable[[dict[str, object]], None]) -> Output:
    files = output_files(small())
    raw = json.loads(files[INFO])
    change(raw)
    return of_files(files | {INFO: json.dumps(raw).encode()})


def test_signed_c_files_must_be_there_as_they_were() -> None:
    files = output_files(small())
    signature = f"0x{md5(files['network.c'])}"

    def sign(raw: dict[str, object]) -> None:
        environment = raw["environment"]
        assert isinstance(environment, dict)
        environment["generated_model"]["model_files"] = [
            {"name": "network.c", "signature": signature}
        ]

    assert belonging(edited(sign)).how == "signature"
    changed = edited(sign)
    files = {**changed.files, "network.c": changed.files["network.c"] + b"\n"}
    with pytest.raises(BadInput, match=r"no file with the signature of network\.c"):
        belonging(of_files(files))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("_DEV != 275", "_DEV != 276", "compiler 1.1.3-275, and 1.1.3-276"),
        ("name=npuRAM6", "name=npuRAM4", "other memory pools than network.c: npuRAM4, npuRAM6"),
        (".offset_start = 512", ".offset_start = 480", "Conv2D_2_off_bias_out_1"),
        (".offset_end = 768", ".offset_end = 760", "Conv2D_2_off_bias_out_1"),
        ("{ 0.00390625 }", "{ 0.0039 }", "buffer Softmax_3_out_0 at 0x342e0000 of 256 bytes"),
        (".epoch_num = 2", ".epoch_num = 7", "epoch 7 of network.c is absent"),
    ],
)
def test_a_c_info_of_another_generation_is_refused(old: str, new: str, said: str) -> None:
    files = output_files(small())
    assert old in files["network.c"].decode()
    files["network.c"] = files["network.c"].decode().replace(old, new).encode()
    with pytest.raises(BadInput, match=said):
        belonging(of_files(files))


def test_without_a_c_info_a_report_of_another_compiler_is_refused() -> None:
    files = output_files(small())
    files[REPORT] = files[REPORT].replace(b"1.1.3-275", b"1.1.3-262")
    with pytest.raises(BadInput, match=r"the report and network\.c must be of one generation"):
        belonging(without(files, INFO))


def test_the_epoch_controllers_program_must_be_there() -> None:
    files = output_files(small(controller=True))
    with pytest.raises(BadInput, match="needs the file with its programs"):
        belonging(without(files, "network_ecblobs.h"))


def test_the_constants_must_be_there_in_their_size() -> None:
    files = output_files(small())
    with pytest.raises(BadInput, match="the constants of pool octoFlash: 160 bytes"):
        of_files(files | {"network_atonbuf.xSPI2.raw": bytes(159)})
    with pytest.raises(BadInput, match="Received: none"):
        without(files, "network_atonbuf.xSPI2.raw")


def test_two_networks_in_a_folder_are_refused() -> None:
    files = output_files(small())
    files["a.c"] = files["b.c"] = files.pop("network.c")
    with pytest.raises(BadInput, match=r"one C file with a list of epochs"):
        of_files(files)


def test_a_folder_is_read_as_it_lies(tmp_path: Path) -> None:
    folder = write_output(tmp_path / "st_ai_output", small())
    (folder / "notes").mkdir()
    assert read_output(folder).files == output_files(small())
    with pytest.raises(BadInput, match="which is none"):
        read_output(tmp_path / "elsewhere")


@pytest.mark.parametrize("version", VERSIONS)
def test_network_c_tells_its_dialect(version: str) -> None:
    made = parse_network(network_c(small(version)))
    assert made.compiler == small(version).compiler.split()[0]
    assert (made.dialect.name if made.dialect else None) == (None if version == "4.1" else version)
    assert made.options["native-float"] == "true"
    assert [(epoch.kind, epoch.is_blob) for epoch in made.epochs] == [
        ("hardware", False),
        ("software", False),
    ]


@pytest.mark.parametrize("number", ["-1.28", "1e5", "-1e-2", "99999999999999999999999"])
def test_a_zero_point_that_is_no_whole_number_is_refused(number: str) -> None:
    source = network_c(small())
    assert source.count("{ -128 }") == 1
    with pytest.raises(BadInput, match="numbers in its arrays"):
        parse_network(source.replace("{ -128 }", f"{{ {number} }}"))


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([False, True]).flatmap(lambda ec: damaged(network_c(small(controller=ec)))))
def test_any_damaged_network_is_read_or_refused(text: str) -> None:
    read_or_refused(parse_network, text)


FILES = {ec: output_files(small(controller=ec)) for ec in (False, True)}


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([(ec, name) for ec, files in FILES.items() for name in files]).flatmap(
        lambda which: st.tuples(
            st.just(which), damaged(FILES[which[0]][which[1]].decode("latin-1"))
        )
    )
)
def test_a_folder_with_any_damaged_file_is_taken_or_refused(
    drawn: tuple[tuple[bool, str], str],
) -> None:
    (controller, name), text = drawn

    def whole(files: dict[str, bytes]) -> None:
        output = of_files(files)
        check_npu(output)
        belonging(output)
        try:
            identify(output, small_model())
        except IdentityFailure:
            return

    changed = text.encode("utf-8", "surrogatepass")
    read_or_refused(whole, {**FILES[controller], name: changed})


@needs_data
@pytest.mark.parametrize("path", found("*.tflite"), ids=lambda path: path.parent.name)
def test_signatures_are_the_md5_of_the_very_tflite(path: Path) -> None:
    mine = md5(path.read_bytes())
    beside = [one for one in path.parent.rglob("*.json") if "model_files" in one.read_text()]
    logs = list(path.parent.glob("4.0.0_*.txt"))
    assert beside
    for one in (*beside, *logs):
        assert mine in one.read_text(errors="replace"), one
