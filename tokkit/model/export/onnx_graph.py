"""A classifier as an ONNX graph: `torch.onnx` traces it once, for any number of rows and tokens."""

from __future__ import annotations

import copy
import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import onnx
import torch
from torch import Tensor, nn

from tokkit.errors import InputError
from tokkit.model.export.first_token import compute_first_token_alone
from tokkit.model.export.packed_lstm import PackedLstm
from tokkit.model.exported.description import INPUTS, LOGITS
from tokkit.model.network.classifier import Classifier
from tokkit.model.network.heads import HeadedModel, Lstm
from tokkit.runtime.panics import reason_of

# With an operator for GELU; onnxruntime and OpenVINO have had it since 2023.
OPSET = 20
# Protobuf files end at 2 GiB; larger weights go to a file of their own.
_LARGEST_FILE = 1_800_000_000
_ROWS, _TOKENS = 3, 6


class Graph(nn.Module):
    """Inputs of a classifier to float32 logits, as `Classifier.logits` computes them."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor | None = None
    ) -> Tensor:
        """(rows, classes), for tasks by token (rows, tokens, classes)."""
        # A row without tokens attends to one padding token, in the graph as in `Classifier.logits`.
        first = torch.arange(attention_mask.shape[1], device=attention_mask.device) == 0
        mask = attention_mask.masked_fill(first, 1)
        segments = {} if token_type_ids is None else {"token_type_ids": token_type_ids}
        logits: Tensor = self.network(input_ids=input_ids, attention_mask=mask, **segments).logits.float()
        return logits


def write_onnx(classifier: Classifier, path: Path) -> None:
    """Write the graph of a classifier, with inputs `INPUTS` and the output `LOGITS`.

    Raises `InputError` that names the head or model type that cannot be exported, and the operator.
    """
    network: Any = classifier.model
    body = network.base_model
    attention = getattr(body.config, "_attn_implementation", None)
    count = 3 if classifier.limits.segments else 2
    ids = torch.full((_ROWS, min(_TOKENS, classifier.limits.max_length)), classifier.limits.pad_id)
    examples = (ids, torch.ones_like(ids), torch.zeros_like(ids))[:count]
    rows, tokens = torch.export.Dim("rows"), torch.export.Dim("tokens", max=classifier.limits.max_length)
    try:
        # Attention as plain operators, which runtimes fuse and OpenVINO knows.
        body.set_attn_implementation("eager")
        with torch.inference_mode(False), torch.no_grad(), _quiet():
            program = torch.onnx.export(
                Graph(_exportable(network)).eval(),
                examples,
                input_names=INPUTS[:count],
                output_names=[LOGITS],
                dynamic_shapes=({0: rows, 1: tokens},) * count,
                opset_version=OPSET,
                dynamo=True,
            )
            assert program is not None
            program.save(path, external_data=_bytes_of(network) > _LARGEST_FILE)
    except Exception as error:
        raise InputError(
            f"{classifier.tokenizer.folder}: {_kind(network)} cannot be exported: {reason_of(_root(error))}",
            hint="a stock head of BERT, DistilBERT, RoBERTa, ELECTRA, DeBERTa or ModernBERT can be",
        ) from error
    finally:
        if attention is not None:
            body.set_attn_implementation(attention)
    model = onnx.load(path, load_external_data=False)
    compute_first_token_alone(model)
    _remove_traces(model)
    onnx.save(model, path)


def _exportable(network: Any) -> nn.Module:
    """The network, with a module that can be traced in place of one that cannot."""
    if not (isinstance(network, HeadedModel) and isinstance(network.layers, Lstm)):
        module: nn.Module = network
        return module
    # A copy of the module alone: both share body and weights.
    replaced = copy.copy(network)
    replaced._modules = {**network._modules, "layers": PackedLstm(network.layers)}
    return replaced


def _kind(network: Any) -> str:
    model_type = network.config.model_type
    head = f'the head "{network.head}"' if isinstance(network, HeadedModel) else "its head"
    return f"{head} on a model of the type {model_type}"


def _bytes_of(network: nn.Module) -> int:
    return sum(weight.numel() * weight.element_size() for weight in network.state_dict().values())


def _root(error: BaseException) -> BaseException:
    """The error that the exporter wraps in messages of its own."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error


@contextmanager
def _quiet() -> Iterator[None]:
    """Inside, the exporter prints no steps and no warnings."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)


def _remove_traces(model: onnx.ModelProto) -> None:
    """Remove what the exporter records of its own source code: paths of this machine, in every node."""
    model.doc_string = ""
    del model.metadata_props[:]
    graphs = [model.graph, *model.functions]
    for part in (model.graph, *(node for graph in graphs for node in graph.node)):
        part.doc_string = ""
        del part.metadata_props[:]
    for value in (*model.graph.input, *model.graph.output, *model.graph.initializer):
        value.doc_string = ""
        del value.metadata_props[:]
    # Shapes between operators follow from them; the quantizer would keep those that it makes untrue.
    del model.graph.value_info[:]
