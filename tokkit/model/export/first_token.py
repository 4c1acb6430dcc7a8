"""After the last attention, heads that read the first token need no other: the graph computes it alone.

before    Gather(LayerNorm(x + MatMul(Gelu(MatMul(x)))), token 0)    (rows, tokens, width) -> (rows, width)
after     LayerNorm(x' + MatMul(Gelu(MatMul(x')))), x' = Gather(x, token 0)
"""

from __future__ import annotations

from collections import defaultdict

import onnx
from onnx import helper, numpy_helper

# What computes each token by itself, from inputs (rows, tokens, width) and vectors.
_BY_TOKEN = {
    *("Add", "Sub", "Mul", "Div", "Pow", "Sqrt", "Cast", "Identity"),
    *("Gelu", "Erf", "Tanh", "Relu", "Sigmoid", "MatMul", "LayerNormalization"),
}
_TOKENS = 1
_RANK = 3


def compute_first_token_alone(model: onnx.ModelProto) -> None:
    """Move every `Gather` of the first token before what computes tokens one by one for it alone."""
    graph = model.graph
    ranks = _ranks(model)
    weights = {tensor.name: tensor for tensor in graph.initializer}
    # By name: moving one makes new nodes of all.
    for selected in [node.output[0] for node in graph.node if _is_first_token(node, weights, ranks)]:
        _move(graph, selected, weights, ranks)


def _ranks(model: onnx.ModelProto) -> dict[str, int]:
    inferred = onnx.shape_inference.infer_shapes(model).graph
    values = (*inferred.input, *inferred.value_info, *inferred.output)
    ranks = {
        value.name: len(value.type.tensor_type.shape.dim)
        for value in values
        if value.type.tensor_type.HasField("shape")
    }
    return ranks | {tensor.name: len(tensor.dims) for tensor in model.graph.initializer}


def _is_first_token(
    node: onnx.NodeProto, weights: dict[str, onnx.TensorProto], ranks: dict[str, int]
) -> bool:
    if (
        node.op_type != "Gather"
        or _attribute(node, "axis", 0) != _TOKENS
        or ranks.get(node.input[0]) != _RANK
    ):
        return False
    index = weights.get(node.input[1])
    return index is not None and not index.dims and int(numpy_helper.to_array(index)) == 0


def _move(
    graph: onnx.GraphProto,
    selected: str,
    weights: dict[str, onnx.TensorProto],
    ranks: dict[str, int],
) -> None:
    users: dict[str, set[int]] = defaultdict(set)
    for number, node in enumerate(graph.node):
        for name in node.input:
            users[name].add(number)
    outputs = {value.name for value in graph.output}
    at, gather = next((n, node) for n, node in enumerate(graph.node) if node.output[0] == selected)
    moved = {at}
    for number in range(at - 1, -1, -1):
        node = graph.node[number]
        name = node.output[0]
        used_for_it_alone = users[name] and users[name] <= moved and name not in outputs
        if used_for_it_alone and _is_by_token(node, weights, ranks):
            moved.add(number)
    inner = {name for number in moved for name in graph.node[number].output}
    nodes: list[onnx.NodeProto] = []
    first: dict[str, str] = {}
    for number, node in enumerate(graph.node):
        if number not in moved:
            nodes.append(node)
            continue
        for name in node.input:
            if ranks.get(name) == _RANK and name not in inner and name not in first:
                first[name] = f"{selected}_{name}"
                nodes.append(_gather(name, gather.input[1], first[name]))
        if number == at:
            nodes.append(helper.make_node("Identity", [first.get(node.input[0], node.input[0])], node.output))
            continue
        for position, name in enumerate(node.input):
            node.input[position] = first.get(name, name)
        nodes.append(node)
    del graph.node[:]
    graph.node.extend(nodes)


def _is_by_token(node: onnx.NodeProto, weights: dict[str, onnx.TensorProto], ranks: dict[str, int]) -> bool:
    if node.op_type not in _BY_TOKEN or len(node.output) != 1 or ranks.get(node.output[0]) != _RANK:
        return False
    if node.op_type == "MatMul":
        return ranks.get(node.input[0]) == _RANK and node.input[1] in weights and ranks[node.input[1]] == 2
    if node.op_type == "LayerNormalization" and _attribute(node, "axis", -1) != -1:
        return False
    return all(ranks.get(name, _RANK + 1) in (0, 1, _RANK) for name in node.input if name)


def _gather(name: str, index: str, output: str) -> onnx.NodeProto:
    return helper.make_node("Gather", [name, index], [output], f"{output}_gather", axis=_TOKENS)


def _attribute(node: onnx.NodeProto, name: str, default: int) -> int:
    return next((attribute.i for attribute in node.attribute if attribute.name == name), default)
