"""Options of `export`."""

from __future__ import annotations

from dataclasses import dataclass

from tokkit.errors import UsageError
from tokkit.options import Options, count_option, option

DYNAMIC, STATIC = "dynamic", "static"


@dataclass(frozen=True)
class ExportOptions(Options):
    """What is written, and the rows that it is checked on."""

    int8: str | None = option(
        None,
        "weights of 8 bits; what they are multiplied with is rounded by the range it has in each batch "
        "(dynamic), or had in sample rows (static)",
        choices=(DYNAMIC, STATIC),
        default_text="float32",
    )
    openvino: bool = option(False, "write OpenVINO's format instead of ONNX")
    rows: int = count_option("rows to check at most", 2000)
    calibration_rows: int = count_option("of --int8 static: sample rows, which are not checked", 128)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.openvino and self.int8:
            raise UsageError(
                f"--int8 {self.int8}: is for ONNX, and --openvino writes float32",
                hint="leave one of them out",
            )

    @property
    def precision(self) -> str:
        """fp32 or int8."""
        return "int8" if self.int8 else "fp32"

    @property
    def format(self) -> str:
        """openvino or onnx."""
        return "openvino" if self.openvino else "onnx"
