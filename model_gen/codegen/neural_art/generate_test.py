"""Generation with a program that stands in for stedgeai: what it is given, what is kept, what is refused."""

import json
import os
import shutil
from pathlib import Path

import pytest

from host.bundle import Subject, load_subject
from host.deadline import Deadline
from host.errors import BadInput, HostFailure, IdentityFailure, NightjarError
from host.files import sha256_file
from host.npu.comparison.testing_network import write
from host.npu.compiler.model import compile_model
from model_gen.codegen.neural_art.generate import choices, generate, take
from model_gen.codegen.neural_art.manifest import BUNDLE, LOG, MANIFEST, read_written
from model_gen.codegen.neural_art.messages import errors_in, failure
from model_gen.codegen.neural_art.pools_file import parse_pools, read_profiles
from model_gen.codegen.neural_art.profile import BUILDS, HIL, NAME, POOLS, PROFILE, RELEASE
from model_gen.codegen.neural_art.regions import BOARDS
from model_gen.codegen.neural_art.runtime import HEADER
from model_gen.codegen.neural_art.testing.model import small_model
from model_gen.codegen.neural_art.testing.output import stand_in, write_output
from model_gen.codegen.neural_art.testing.shared import DATA, found, needs_data
from model_gen.codegen.neural_art.testing.written import VERSIONS, Small
from model_gen.codegen.testing.bundle import write_small_bundle

SOON = 60.0


def subject(tmp_path: Path, model: bytes | None = None) -> Subject:
    return Subject(tmp_path / "bird.tflite", model or small_model())


@pytest.fixture
def core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STEDGEAI_CORE_DIR", str(tmp_path / "core"))
    return tmp_path / "core"


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("version", VERSIONS)
def test_a_run_is_replayed_and_written_whole(
    tmp_path: Path, core: Path, version: str, build: str
) -> None:
    small = Small(version, small_model(), controller=build == RELEASE)
    recorded = stand_in(core, small)
    out = tmp_path / "out"
    made = generate(subject(tmp_path), BOARDS[1], out, build=build, deadline=Deadline.after(SOON))
    manifest = json.loads((out / MANIFEST).read_text())
    assert manifest == json.loads(json.dumps(made.manifest))
    assert manifest["schema"] == "nightjar/neural-art/1"
    assert (manifest["dialect"], manifest["build"]) == (version, build)
    assert manifest["identity"]["how"] == "signature"
    assert manifest["boards"] == {BOARDS[1]: {"fits": True, "outside": []}}
    assert manifest["epochs"]["hardware"] == 1
    assert manifest["epochs"]["in_software"][0]["ops"] == ["Softmax"]
    for name, listed in manifest["files"].items():
        assert sha256_file(out / name) == listed["sha256"]
    assert {LOG, POOLS, PROFILE, "generated/network.c"} <= set(manifest["files"])
    assert "epoch" in (out / LOG).read_text()
    # What it was given: this model, int8 at both ends, and a profile of just its version and build.
    (given, _) = json.loads((recorded / "calls").read_text().splitlines()[-1])
    pairs = dict(zip(given[1::2], given[2::2], strict=True))
    assert given[0] == "generate"
    assert pairs["--target"] == "stm32n6"
    assert pairs["--input-data-type"] == pairs["--output-data-type"] == "int8"
    assert pairs["--st-neural-art"] == f"{NAME}@{PROFILE}"
    assert (recorded / "given-model.tflite").read_bytes() == small_model()
    (pools, options) = read_profiles(recorded / f"given-{PROFILE}")[NAME]
    assert pools == f"./{POOLS}"
    assert ("--mvei" in options) == (version < "3")
    *_, constants = parse_pools(json.loads((recorded / f"given-{POOLS}").read_text()))
    assert (constants.name, constants.writable) == ("npuRAM6", False)


def test_the_silent_build_for_the_core_alone_is_refused(tmp_path: Path, core: Path) -> None:
    stand_in(core, Small("4.0", small_model(), npu=False))
    with pytest.raises(BadInput, match="did not compile this network for the NPU"):
        generate(
            subject(tmp_path), BOARDS[0], tmp_path / "out", build=HIL, deadline=Deadline.after(SOON)
        )
    assert not (tmp_path / "out").exists()


MVEI = "E102(CliArgumentError): Error in profile: unknown option --mvei"
FAILURES = {
    MVEI: (BadInput, "does not take"),
    "E102(CliArgumentError): wrong argument": (BadInput, "refused an argument"),
    "E010(InvalidModelError): bad weights": (BadInput, "cannot read the model"),
    "E103(CliRuntimeError): Error calling the Neural Art compiler\nwhat():  wstring_convert": (
        *(HostFailure, "letters other than ASCII"),
    ),
    "E103(CliRuntimeError): Error calling the Neural Art compiler": (HostFailure, "NPU compiler"),
    "Internal compiler error (signo=11)": (HostFailure, "a defect of its own"),
    "E801(HwIOError): x": (HostFailure, "a defect of its own"),
    "NOT IMPLEMENTED: Unknown layer": (BadInput, "no form of an operation"),
    "": (HostFailure, "stedgeai failed"),
}


@pytest.mark.parametrize(("said", "wanted"), FAILURES.items())
def test_what_it_says_when_it_fails_becomes_a_message_with_a_next_step(
    tmp_path: Path, core: Path, said: str, wanted: tuple[type[NightjarError], str]
) -> None:
    stand_in(core, Small("4.0", small_model()), code=255, said=said, writes=False)
    with pytest.raises(wanted[0], match=wanted[1]) as failed:
        generate(
            subject(tmp_path), BOARDS[0], tmp_path / "out", build=HIL, deadline=Deadline.after(SOON)
        )
    assert failed.value.next_step
    kept = tmp_path / f"out.{LOG}"
    assert str(kept) in failed.value.evidence
    assert said.split("\n")[0] in kept.read_text()
    assert not (tmp_path / "out").exists()


def test_weights_lie_in_ram_where_they_fit_and_else_in_the_nor(tmp_path: Path, core: Path) -> None:
    recorded = stand_in(core, Small("4.0", small_model()), needs="octoFlash")

    def made(weights: str) -> list[str]:
        generate(
            *(subject(tmp_path), BOARDS[0], tmp_path / weights),
            build=HIL,
            deadline=Deadline.after(SOON),
            weights=weights,
        )
        pools = parse_pools(json.loads((tmp_path / weights / POOLS).read_text()))
        return [pool.name for pool in pools]

    everything = [*(f"npuRAM{number}" for number in range(3, 7)), "octoFlash"]
    for weights, calls in (("auto", 2), ("nor", 1)):
        (recorded / "calls").unlink(missing_ok=True)
        assert made(weights) == everything
        generations = [line for line in (recorded / "calls").open() if "--model" in line]
        assert len(generations) == calls
        assert not (tmp_path / f"{weights}.{LOG}").exists()
    with pytest.raises(BadInput, match="does not fit into the NPU's memory"):
        made("ram")
    assert (tmp_path / f"ram.{LOG}").exists()
    assert not (tmp_path / "ram").exists()


def test_weights_that_are_too_large_for_the_ram_are_not_tried_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert choices(small_model(), "auto") == (1, 0)
    assert choices(small_model(), "ram") == (1,)
    monkeypatch.setattr("model_gen.codegen.neural_art.generate.MOST_BANKS", 0)
    assert choices(small_model(), "auto") == choices(small_model(), "nor") == (0,)
    with pytest.raises(BadInput, match="at most 0 of its RAMs"):
        choices(small_model(), "ram")


def test_an_error_that_ends_with_0_is_none_the_less_one(tmp_path: Path, core: Path) -> None:
    stand_in(core, Small("4.0", small_model()), said="E102(CliArgumentError): ignored")
    with pytest.raises(BadInput, match="refused an argument"):
        generate(
            subject(tmp_path), BOARDS[0], tmp_path / "out", build=HIL, deadline=Deadline.after(SOON)
        )


@pytest.mark.parametrize("said", ["x", "unknown ", "E801(x) ", "E102(", "\x1b[", "9%|", "\r"])
def test_a_log_without_lines_or_end_is_read_in_no_time_and_shown_in_part(said: str) -> None:
    """As many characters as would take any search that is not linear hours."""
    failed = failure(1, said * (1 << 20) + "\nthe end\n", "x")
    assert len(failed.evidence) < 2000


def test_an_error_at_the_end_of_a_long_log_is_found() -> None:
    said = "E801(HwIOError): at the end"
    assert errors_in("x\n" * (1 << 20) + said) == (said,)


def test_options_in_a_log_are_no_symptoms() -> None:
    said = "atonn -i x.onnx --mvei --cache-maintenance\nsomething else"
    assert failure(1, said, "x").what == "stedgeai failed"


@pytest.mark.parametrize("made", [Small("4.0", small_model(), npu=False), None])
def test_the_log_is_kept_where_what_was_made_is_refused(
    tmp_path: Path, core: Path, made: Small | None
) -> None:
    """stedgeai ended with 0, in the belief that it had done what was asked: its words are all there is."""
    recorded = stand_in(core, made or Small("4.0", small_model()), said="these were its words")
    if made is None:
        shutil.rmtree(recorded / "output")
        (recorded / "output").mkdir()
    with pytest.raises(BadInput) as failed:
        generate(
            subject(tmp_path), BOARDS[0], tmp_path / "out", build=HIL, deadline=Deadline.after(SOON)
        )
    kept = tmp_path / f"out.{LOG}"
    assert "these were its words" in kept.read_text()
    assert str(kept) in failed.value.evidence


def test_another_model_s_output_is_an_identity_failure(tmp_path: Path, core: Path) -> None:
    stand_in(core, Small("4.0", small_model()))
    with pytest.raises(IdentityFailure):
        generate(
            *(subject(tmp_path, small_model(changed=True)), BOARDS[0], tmp_path / "out"),
            build=HIL,
            deadline=Deadline.after(SOON),
        )
    assert not (tmp_path / "out").exists()


def test_float_ends_are_refused_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="int8 inputs and outputs"):
        generate(
            *(subject(tmp_path, small_model(float_ends=True)), BOARDS[0], tmp_path / "out"),
            build=HIL,
            deadline=Deadline.after(SOON),
        )


def test_a_build_other_than_was_asked_for_is_refused(tmp_path: Path, core: Path) -> None:
    stand_in(core, Small("4.0", small_model(), controller=True))
    with pytest.raises(BadInput, match=r"must write a hil build.*\n.*the epoch controller"):
        generate(
            subject(tmp_path), BOARDS[0], tmp_path / "out", build=HIL, deadline=Deadline.after(SOON)
        )


def test_memory_other_than_it_was_given_is_refused(tmp_path: Path, core: Path) -> None:
    """It would be our firmware's: stedgeai took other pools than those of the profile."""
    stand_in(core, Small("4.0", small_model(), ram=0x34100000))
    with pytest.raises(BadInput, match=r"must write a hil build.*\n.*npuRAM5 0x34100000 to"):
        generate(
            subject(tmp_path), BOARDS[0], tmp_path / "out", build=HIL, deadline=Deadline.after(SOON)
        )


def test_files_of_another_version_than_the_program_s_are_refused(
    tmp_path: Path, core: Path
) -> None:
    """They are of an earlier run, or of another installation."""
    recorded = stand_in(core, Small("4.0", small_model()))
    shutil.rmtree(recorded / "output")
    write_output(recorded / "output", Small("2.2", small_model()))
    with pytest.raises(BadInput, match=r"must write a hil build.*\n.*files of version 2\.2\.0"):
        generate(
            subject(tmp_path), BOARDS[0], tmp_path / "out", build=HIL, deadline=Deadline.after(SOON)
        )


def test_headers_of_another_version_beside_the_compiler_are_refused(
    tmp_path: Path, core: Path
) -> None:
    stand_in(core, Small("4.0", small_model()))
    (core / HEADER).parent.mkdir(parents=True)
    parts = {"MAJOR": 1, "MINOR": 1, "MICRO": 3, "DEV": 262}
    text = "".join(f"#define LL_ATON_VERSION_{part} ({n})\n" for part, n in parts.items())
    (core / HEADER).write_text(text)
    with pytest.raises(BadInput, match=r"network\.c for 1\.1\.3-275, headers 1\.1\.3-262"):
        generate(
            subject(tmp_path), BOARDS[0], tmp_path / "out", build=HIL, deadline=Deadline.after(SOON)
        )


def test_what_was_generated_elsewhere_is_taken(tmp_path: Path) -> None:
    folder = write_output(tmp_path / "elsewhere", Small("2.2", small_model(), controller=True))
    made = take(subject(tmp_path), folder, tmp_path / "out")
    assert set(made.manifest["boards"]) == set(BOARDS)
    assert (made.manifest["build"], made.manifest["epochs"]["blobs"]) == (RELEASE, 1)
    assert made.manifest["tool"]["version"] == "2.2.0-20266"
    assert made.manifest["images"] == {"generated/network_atonbuf.xSPI2.raw": 0x71000000}
    there = read_written(tmp_path / "out")
    assert (there.manifest, there.output) == (json.loads(json.dumps(made.manifest)), made.output)
    # The same again replaces it; a folder of somebody else's is left alone.
    take(subject(tmp_path), folder, tmp_path / "out")
    (tmp_path / "out/mine").touch()
    with pytest.raises(BadInput, match="just as nightjar wrote it"):
        take(subject(tmp_path), folder, tmp_path / "out")


def test_what_it_was_made_of_lies_beside_it(tmp_path: Path) -> None:
    """So that the folder can be judged alone, on the bundle's own windows."""
    small = write_small_bundle(tmp_path / "small")
    bundle = load_subject(small)
    model = small_model()
    folder = write_output(tmp_path / "st_ai_output", Small("2.2", model))
    take(subject(tmp_path), folder, tmp_path / "bare")
    assert (tmp_path / "bare" / "model.tflite").read_bytes() == model
    other = write(tmp_path / "other", compile_model(bundle.model, "2.2"), bundle.model)
    take(bundle, other, tmp_path / "out")
    again = load_subject(tmp_path / "out" / BUNDLE)
    assert (again.contract, again.files) == (bundle.contract, bundle.files)
    read_written(tmp_path / "out")
    (tmp_path / "out" / BUNDLE / "labels.txt").write_text("other")
    with pytest.raises(IdentityFailure):
        read_written(tmp_path / "out")


def test_force_does_not_replace_the_folder_that_is_taken(tmp_path: Path) -> None:
    whole = tmp_path / "project"
    folder = write_output(whole / "st_ai_output", Small("4.0", small_model()))
    before = sorted(path.name for path in folder.iterdir())
    for out in (whole, folder):
        with pytest.raises(BadInput, match="just as nightjar wrote it"):
            take(subject(tmp_path), folder, out, force=True)
    assert sorted(path.name for path in folder.iterdir()) == before
    # What nightjar wrote itself holds all that is taken from it.
    take(subject(tmp_path), folder, tmp_path / "out")
    take(subject(tmp_path), tmp_path / "out/generated", tmp_path / "out", force=True)
    assert (tmp_path / "out/generated/network.c").exists()


def test_a_name_that_no_manifest_can_list_is_refused(tmp_path: Path) -> None:
    folder = write_output(tmp_path / "elsewhere", Small("4.0", small_model()))
    (folder / os.fsdecode(b"\xff.txt")).touch()
    with pytest.raises(BadInput, match="names of files in UTF-8"):
        take(subject(tmp_path), folder, tmp_path / "out")


def test_memory_outside_the_npus_is_told_by_board(tmp_path: Path) -> None:
    folder = write_output(tmp_path / "elsewhere", Small("2.2", small_model(), ram=0x34100000))
    made = take(subject(tmp_path), folder, tmp_path / "out")
    outside = ["npuRAM5 0x34100000 to 0x34100300"]
    assert made.manifest["boards"][BOARDS[0]] == {"fits": False, "outside": outside}
    # The same where network.c alone tells.
    for name in ("network_c_info.json", "network_generate_report.txt"):
        (folder / name).unlink()
    made = take(subject(tmp_path), folder, tmp_path / "out")
    assert made.manifest["boards"][BOARDS[0]] == {"fits": False, "outside": outside}
    assert made.manifest["identity"]["how"] == "weights and shapes"


@needs_data
def test_recorded_runs_that_went_well_hold_no_error() -> None:
    logs = found("4.0.0_*.txt")
    assert len(logs) == 5
    for path in logs:
        assert errors_in(path.read_text(errors="replace")) == ()


@needs_data
def test_a_recorded_build_for_the_core_alone_is_refused(tmp_path: Path, core: Path) -> None:
    """lotfi_pid: an ordinary generation of 2.2, as stedgeai makes it in silence of a wrong --st-neural-art."""
    recorded = stand_in(core, Small("2.2", small_model()), writes=False)
    (recorded / "said").write_text((DATA / "lotfi_pid/network_generate_report.txt").read_text())
    shutil.copytree(DATA / "lotfi_pid", recorded / "output")
    (recorded / "output/network.c").write_text("int ai_network_run(void);\n")
    with pytest.raises(BadInput, match="did not compile this network for the NPU"):
        generate(
            subject(tmp_path), BOARDS[0], tmp_path / "out", build=HIL, deadline=Deadline.after(SOON)
        )


@pytest.mark.parametrize("name", ["generated/network.c", "generated/network_atonbuf.xSPI2.raw"])
def test_a_folder_with_another_file_than_it_was_written_with_is_refused(
    tmp_path: Path, name: str
) -> None:
    folder = write_output(tmp_path / "elsewhere", Small("4.0", small_model()))
    take(subject(tmp_path), folder, tmp_path / "out")
    data = bytearray((tmp_path / "out" / name).read_bytes())
    data[-1] ^= 1
    (tmp_path / "out" / name).write_bytes(data)
    with pytest.raises(IdentityFailure, match="is not the file that this folder was written with"):
        read_written(tmp_path / "out")
    (tmp_path / "out" / name).unlink()
    with pytest.raises(BadInput, match="does not exist"):
        read_written(tmp_path / "out")


def test_a_manifest_that_was_edited_is_refused(tmp_path: Path) -> None:
    folder = write_output(tmp_path / "elsewhere", Small("4.0", small_model()))
    take(subject(tmp_path), folder, tmp_path / "out")
    manifest = tmp_path / "out" / MANIFEST
    manifest.write_text(manifest.read_text().replace("sign the very", "sign the best"))
    with pytest.raises(IdentityFailure, match="is not the file that this folder was written with"):
        read_written(tmp_path / "out")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schema": "nightjar/neural-art/9"}, "nightjar/neural-art/1 at schema"),
        ({"files": {"../x": {"sha256": ""}}}, "files of its own folder alone"),
        ({"files": {"neural_art.json": {}}}, "a text at files.neural_art.json.sha256"),
        ({"files": []}, "an object at files"),
    ],
)
def test_a_manifest_that_cannot_be_is_refused(
    tmp_path: Path, change: dict[str, object], said: str
) -> None:
    folder = write_output(tmp_path / "elsewhere", Small("4.0", small_model()))
    manifest = take(subject(tmp_path), folder, tmp_path / "out").manifest
    (tmp_path / "out" / MANIFEST).write_text(json.dumps(manifest | change))
    with pytest.raises(BadInput, match=said):
        read_written(tmp_path / "out")
