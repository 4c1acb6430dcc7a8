"""A graph in 8 bits: weights of matrix products by column, embedding tables by row.

    y = x W + b     W (in, out) -> int8 W and a float32 scale for each column; x is rounded to uint8
    E[ids]          E (vocabulary, width) -> int8 E and a float32 scale for each row

Weights use 7 of the 8 bits: CPUs without VNNI add two products of 8 bits in 16, which would overflow.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from onnxruntime import quantization
from onnxruntime.quantization.calibrate import CalibrationDataReader

from tokkit.errors import InputError
from tokkit.model.exported.runtime import Inputs
from tokkit.runtime.panics import reason_of

_PRODUCTS = ["MatMul", "Gemm", "LSTM"]
# Tables with fewer numbers, those of segments, are not worth the operators.
_SMALL_TABLE = 1 << 14
_LARGEST = 127


def quantize_dynamic(source: Path, target: Path) -> None:
    """Write the graph in 8 bits; what goes into a product is rounded by its own range, batch for batch."""
    _quantize(source, target, calibration=None)


def quantize_static(source: Path, target: Path, calibration: Sequence[Inputs]) -> None:
    """Write the graph in 8 bits; what goes into a product is rounded by its range in ``calibration``."""
    _quantize(source, target, calibration)


def _quantize(source: Path, target: Path, calibration: Sequence[Inputs] | None) -> None:
    model = onnx.load(source)
    settings: dict[str, Any] = {
        "op_types_to_quantize": _PRODUCTS,
        "nodes_to_exclude": [_last_product(model)],
        "per_channel": True,
        "reduce_range": True,
        "weight_type": quantization.QuantType.QInt8,
        "extra_options": {"MatMulConstBOnly": True, "OpTypesToExcludeOutputQuantization": _PRODUCTS},
    }
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        if calibration is None:
            quantization.quantize_dynamic(source, target, **settings)
        else:
            quantization.quantize_static(
                source,
                target,
                _Calibration(calibration),
                quant_format=quantization.QuantFormat.QDQ,
                activation_type=quantization.QuantType.QUInt8,
                **settings,
            )
    except Exception as error:
        raise InputError(f"{source.name}: cannot be quantized: {reason_of(error)}") from error
    finally:
        logging.disable(level)
    quantized = onnx.load(target)
    _quantize_tables(quantized)
    onnx.save(quantized, target)


class _Calibration(CalibrationDataReader):
    def __init__(self, batches: Sequence[Inputs]) -> None:
        self._batches: Iterator[Mapping[str, Any]] = iter(batches)

    def get_next(self) -> dict[str, Any] | None:
        batch = next(self._batches, None)
        return None if batch is None else dict(batch)


def _last_product(model: onnx.ModelProto) -> str:
    """The layer that gives the logits: it is small, and what is rounded there is not corrected any more."""
    return next(node.name for node in reversed(model.graph.node) if node.op_type in ("MatMul", "Gemm"))


def _quantize_tables(model: onnx.ModelProto) -> None:
    """Replace every large embedding table by int8 rows, each with a scale, which `Gather` looks up alike."""
    graph = model.graph
    weights = {tensor.name: tensor for tensor in graph.initializer}
    uses = [name for node in graph.node for name in node.input]
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        table = weights.get(node.input[0]) if node.op_type == "Gather" else None
        # A table that is also multiplied with, as by a language model, stays.
        if table is None or not _is_large_table(table) or uses.count(table.name) > 1:
            nodes.append(node)
            continue
        rows, scales = quantized_rows(numpy_helper.to_array(table))
        graph.initializer.remove(table)
        graph.initializer.append(numpy_helper.from_array(rows, f"{table.name}_int8"))
        graph.initializer.append(numpy_helper.from_array(scales, f"{table.name}_scale"))
        output, ids = node.output[0], node.input[1]
        nodes += [
            helper.make_node("Gather", [f"{table.name}_int8", ids], [f"{output}_int8"], f"{node.name}_int8"),
            helper.make_node(
                "Gather", [f"{table.name}_scale", ids], [f"{output}_scale"], f"{node.name}_scale"
            ),
            helper.make_node(
                "Cast",
                [f"{output}_int8"],
                [f"{output}_float"],
                f"{node.name}_cast",
                to=onnx.TensorProto.FLOAT,
            ),
            helper.make_node("Mul", [f"{output}_float", f"{output}_scale"], [output], f"{node.name}_mul"),
        ]
    del graph.node[:]
    graph.node.extend(nodes)


def _is_large_table(tensor: onnx.TensorProto) -> bool:
    size = int(np.prod(tensor.dims))
    return tensor.data_type == onnx.TensorProto.FLOAT and len(tensor.dims) == 2 and size > _SMALL_TABLE


def quantized_rows(table: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """The table (rows, width) as int8 and the scale of each row (rows, 1): their product is the table.

    >>> quantized_rows(np.array([[1.0, -0.5]], np.float32))
    (array([[127, -64]], dtype=int8), array([[0.00787402]], dtype=float32))
    """
    largest = np.abs(table).max(axis=1, keepdims=True)
    # A row of zeros, the padding's, has no scale of its own.
    scales = np.where(largest > 0, largest / _LARGEST, 1).astype(np.float32)
    return np.rint(table / scales).astype(np.int8), scales
