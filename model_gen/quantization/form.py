"""What a checkpoint is converted to."""

from dataclasses import dataclass

from host.errors import BadInput

FORMATS = ("tflite", "onnx")
SCHEMES = ("int8", "dynamic", "float")
ENDS = ("int8", "float32")
OUTPUTS = ("logits", "scores")
SUFFIXES = {"tflite": ".tflite", "onnx": ".onnx"}


@dataclass(frozen=True)
class Form:
    """One kind of file.

    Attributes:
        format: of FORMATS.
        scheme: of SCHEMES: int8 throughout, weights alone (dynamic), or nothing quantized.
        per_tensor: one scale for all channels of a weight.
        ends: of ENDS, the type of input and output; of int8 alone.
        output: of OUTPUTS: as the network computes them, or behind its activation.

    Raises:
        BadInput: there is no such file.
    """

    format: str = "tflite"
    scheme: str = "int8"
    per_tensor: bool = False
    ends: str = "int8"
    output: str = "logits"

    def __post_init__(self) -> None:
        if self.format == "onnx" and self.scheme != "float":
            raise BadInput(
                "--format onnx needs --scheme float: what quantizes ONNX has an arithmetic of its own, which no "
                "board here computes",
                evidence=f"Received: --scheme {self.scheme}",
                next_step="add --scheme float, or use --format tflite",
            )
        if self.scheme == "float" and self.per_tensor:
            raise BadInput(
                "--per-tensor is of quantized weights",
                evidence="Received: --scheme float",
                next_step="leave --per-tensor out, or use --scheme int8",
            )
        if self.scheme != "int8" and self.ends != "float32":
            raise BadInput(
                f"--scheme {self.scheme} has float32 at its ends",
                evidence=f"Received: --io {self.ends}",
                next_step="leave --io out, or use --scheme int8",
            )

    @property
    def calibrated(self) -> bool:
        """Whether recordings decide its ranges."""
        return self.scheme == "int8"

    @property
    def what(self) -> str:
        """For people."""
        each = " per tensor" if self.per_tensor else ""
        ends = f", {self.ends} at its ends" if self.scheme == "int8" else ""
        return f"{self.scheme}{each} {self.format}{ends}, {self.output}"
