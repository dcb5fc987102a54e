"""The folder st_ai_output of a small network, and a program that stands in for stedgeai and writes it."""

import json
import shutil
import stat
import sys
from pathlib import Path

from model_gen.codegen.neural_art.testing.network_c import network_c
from model_gen.codegen.neural_art.testing.reports import report
from model_gen.codegen.neural_art.testing.written import Small, c_info, c_info_json

BAR = "PASS:  98%|#########8| 102/104 [01:32<00:06,  3.16s/it]"


def output_files(small: Small) -> dict[str, bytes]:
    """Name -> content."""
    files = {
        "network_c_info.json": c_info_json(small),
        "network_generate_report.txt": report(small).encode(),
    }
    if not small.npu:
        return files | {"network.c": b"int ai_network_run(void);\n", "network_data.c": b"\n"}
    files["network.c"] = network_c(small).encode()
    files["network_atonbuf.xSPI2.raw"] = small.image
    files["bird_OE_3_3_0_Q.json"] = quantization(small)
    if small.controller:
        files["network_ecblobs.h"] = b"static const uint64_t _ec_blob_1[] = {0};\n"
    return files


def quantization(small: Small) -> bytes:
    """The compiler's input beside its ONNX: it signs the model, too."""
    environment = c_info(small)["environment"]
    return json.dumps({"environment": environment, "model_info": {}, "tensors": {}}).encode()


def write_output(folder: Path, small: Small) -> Path:
    """Write the folder."""
    folder.mkdir(parents=True)
    for name, data in output_files(small).items():
        (folder / name).write_bytes(data)
    return folder


_PROGRAM = """#!{python} -IS
import json, pathlib, shutil, sys
here = pathlib.Path({recorded!r})
calls = here / "calls"
with calls.open("a") as stream:
    stream.write(json.dumps([sys.argv[1:], str(pathlib.Path.cwd())]) + "\\n")
if sys.argv[1:] == ["--version"]:
    print({version!r})
    sys.exit()
options = dict(zip(sys.argv[2::2], sys.argv[3::2]))
profile = options["--st-neural-art"].partition("@")[2]
if {needs!r} not in pathlib.Path("stm32n6.mpool").read_text():
    sys.exit("E103(CliRuntimeError): not enough memory for the parameters")
for name in (options["--model"], profile, "stm32n6.mpool"):
    shutil.copy(name, here / ("given-" + pathlib.Path(name).name))
sys.stdout.write((here / "said").read_text())
if (here / "output").is_dir():
    shutil.copytree(here / "output", options["--output"])
sys.exit({code})
"""


def stand_in(
    core: Path,
    small: Small,
    *,
    code: int = 0,
    said: str | None = None,
    writes: bool = True,
    output: Path | None = None,
    needs: str = "",
) -> Path:
    """An installation whose stedgeai replays a run: its words, its files and its exit status.

    Args:
        core: the folder of the installation, which is made.
        small: what it writes.
        code: its exit status.
        said: what it prints; None: a report with a progress bar through it.
        writes: whether it writes its output folder.
        output: what it writes in place of that network's files.
        needs: words of its pools without which it finds no room.

    Returns:
        the folder `recorded`, where `calls` has its command lines, and given-* what it was given.
    """
    recorded = core / "recorded"
    if output is not None:
        shutil.copytree(output, recorded / "output")
    elif writes:
        write_output(recorded / "output", small)
    else:
        recorded.mkdir(parents=True)
    text = report(small) if said is None else said
    (recorded / "said").write_text(
        "".join(f"{BAR}\r{' ' * len(BAR)}\r{line}\n" for line in text.split("\n"))
    )
    program = core / "Utilities" / {"darwin": "mac"}.get(sys.platform, "linux") / "stedgeai"
    program.parent.mkdir(parents=True)
    version = f"ST Edge AI Core v{small.core}\nSTM32CubeAI 12.0.1"
    program.write_text(
        _PROGRAM.format(
            python=sys.executable, recorded=str(recorded), version=version, code=code, needs=needs
        )
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return recorded
