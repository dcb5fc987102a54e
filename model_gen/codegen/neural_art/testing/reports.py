"""The texts that stedgeai prints and keeps of a small network of our own, for tests."""

from model_gen.codegen.neural_art.testing.written import FLASH, FLASH_BYTES, RAM_BYTES, Small

_RULE = "-" * 84
_END = "=" * 84


def report(small: Small, *, command: str = "generate") -> str:
    """network_generate_report.txt, or that of an analysis."""
    head = [
        f"ST Edge AI Core v{small.core}",
        "Created date          : 2026-01-01 00:00:00",
        f"Parameters            : {command} -m bird.tflite --target stm32n6",
        "",
    ]
    return "\n".join([*head, *(_npu(small) if small.npu else _cpu(small))]) + "\n"


def _npu(small: Small) -> list[str]:
    compiler = "0.0.0-0000" if small.version == "2.0" else small.compiler.split()[0]
    return [
        "Model name - bird",
        *_layers(),
        "model: macc=2,560 weights=160 activations=-- io=--",
        "",
        "Compilation details",
        _RULE,
        f"Compiler version: {compiler}",
        "Compiler arguments:  -i bird_OE.onnx",
        _END,
        "",
        "Memory usage information  (input/output buffers are included in activations)",
        _RULE,
        _pool("npuRAM5", small.ram, RAM_BYTES, "768  B", "0  B", "768  B"),
        _pool("npuRAM6", small.ram + RAM_BYTES, RAM_BYTES, "0  B", "0  B", "0  B"),
        _pool("octoFlash", FLASH, FLASH_BYTES, "160  B", "160  B", "0  B"),
        "---",
        "Total:                       928  B                   "
        "-- weights:        160  B                  activations:        768  B      ",
        _END,
        "",
        "Epochs details",
        _RULE,
        *(_new_epochs() if small.is_new else _old_epochs(small)),
        _END,
    ]


def _layers() -> list[str]:
    rule = (
        "------ ------------------ --------------------- ------------- --------- ---------------- "
    )
    return [
        rule,
        "m_id   layer (original)   oshape                param/size         macc     connected to ",
        rule,
        "0      x ()               [b:1,h:4,w:4,c:4]                                             ",
        "       conv2d_0 (CONV_2D) [b:1,h:4,w:4,c:16]    160/160           2,304                x",
        rule,
        "1      nl_1 (SOFTMAX)     [b:1,h:4,w:4,c:16]                        256         conv2d_0",
        rule,
    ]


def _pool(name: str, first: int, size: int, used: str, weights: str, activations: str) -> str:
    whole = f"{size >> 10}.000 kB" if size < 1 << 20 else f"{size >> 20}.000 MB"
    return (
        f"\t{name:<10} [0x{first:08X} - 0x{first + size:08X}]: {used:>12} / {whole:>12}  (  0.17 % used) "
        f"-- weights: {weights:>12} (  0.00 % used)  activations: {activations:>12} (  0.17 % used)    "
    )


def _old_epochs(small: Small) -> list[str]:
    hardware = "EC" if small.controller else "HW"
    return [
        "Total number of epochs: 2 of which 1 implemented in software",
        "---",
        "epoch ID   HW/SW/EC Operation (SW only)",
        f"epoch 2       {hardware}    ",
        "epoch 3      -SW-   (     Softmax      )",
    ]


def _new_epochs() -> list[str]:
    rule = "+----------+------+---------+"
    return [
        "Total number of epochs                               2",
        ">> pure software (SW) epochs                          1",
        ">> hybrid epochs (using both software and hardware)   0",
        ">> pure hardware (HW or EC) epochs                    1  (implemented in 0 epoch controller blobs)",
        "---",
        rule,
        "| epoch ID | Type | Details |",
        rule,
        "| epoch_2  |  HW  |         |",
        "| epoch_3  |  SW  | Softmax |",
        rule,
    ]


def _cpu(small: Small) -> list[str]:
    rule = "------- ------ ------------------ ------ ------------- "
    return [
        f"model_hash         :   {small.md5}                                                      ",
        "Model name - bird",
        *_layers(),
        "model/c-model: macc=2,560/2,560  weights=160/160  activations=--/320 io=--/0",
        "",
        "c-name                : network",
        "activations size      : 320 (1 segment)",
        "weights size          : 160 (1 segment)",
        "",
        "Number of operations per c-layer",
        rule,
        "c_id    m_id   name (type)           #op          type ",
        rule,
        "0       0      conv2d_0 (Conv2D)   2,304    smul_s8_s8 ",
        "1       1      nl_1 (Softmax)        256      op_s8_s8 ",
        rule,
        "total                              2,560               ",
    ]


def validation(small: Small) -> str:
    """network_validate_report.txt; from 4.0 on it has a column more."""
    rule = "-" * 100
    header = ["Output", "acc", "rmse", "mae", "cos", "tensor"]
    row = ["X-cross #1", "n.a.", "0.125000000", "0.062500000", "1.000000", "'pool_1', 10 x int8(3)"]
    if small.version >= "4":
        header.insert(4, "snr")
        row.insert(4, "inf")
    return "\n".join(
        [
            f"ST Edge AI Core v{small.core}",
            "",
            "  device.desc                  :   stm32 family - 0x486 - STM32N6xx @800/400MHz   ",
            "  runtime lib                  :   atonn-v1.1.1-14-ge619e860 (GCC)                ",
            "  nb sample(s)   :   10                                       ",
            "  duration       :   0.042 ms by sample (0.041/0.051/0.003)   ",
            "   Inference time per node",
            f"   {rule}",
            "   c_id    m_id   type            dur (ms)       %    cumul  CPU cycles            name       ",
            f"   {rule}",
            "   0       -      epoch              0.018   42.8%    42.8%  [  1,921  11,843     794 ]   EpochBlock_2",
            "   1       -      epoch              0.024   57.2%   100.0%  [  5,689  11,210   2,527 ]   EpochBlock_3",
            f"   {rule}",
            "   total                             0.042                   [  7,610  23,053   3,321 ]",
            f"   {rule}",
            "   Statistic per tensor",
            f"   {rule}",
            "   tensor   #    type[shape]:size         min   max      mean      std  name          ",
            f"   {rule}",
            "   I.0      10   i8[1,64,64,3]:12288     -128   127    -0.623   73.567  Input_0_out_0 ",
            f"   {rule}",
            "",
            "Evaluation report (summary)",
            rule,
            "   ".join(header),
            rule,
            "   ".join(row),
            rule,
            " acc  : Accuracy (class, axis=-1)",
        ]
    )
