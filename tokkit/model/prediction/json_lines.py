"""Predictions as a line protocol: a JSON object for each line in, and one for each line out, in order.

    {"text": "what a day"}                      {"text": "what a day", "label": "joy", "probabilities": {...}}
    {"text": "so it is", "id": 7}               the same, with "id": 7
    {"texts": ["one", "two"]}                   {"predictions": [{"text": "one", ...}, {"text": "two", ...}]}
    {"txet": "what a day"}                      {"error": "line 4: has neither \"text\" nor \"texts\""}

``pair`` is the second text where the model reads pairs, ``tokens`` a list of words where it gives tags.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tokkit.errors import InputError, TokkitError
from tokkit.model.prediction.input_rows import InputRow, complete_rows
from tokkit.model.prediction.predictor import Predictor
from tokkit.progress import SILENT

ID, ERROR = "id", "error"


def responses(lines: Iterable[bytes], predictor: Predictor) -> Iterator[bytes]:
    """The line that follows from each line; one that cannot be predicted gives an ``error``, and no end."""
    for number, line in enumerate(lines, 1):
        response: dict[str, Any] = {}
        try:
            request = _request(line)
            # Whatever becomes of the request, its sender recognizes the response.
            response |= {ID: request[ID]} if ID in request else {}
            response |= _predicted(request, predictor)
        except TokkitError as error:
            response[ERROR] = f"line {number}: {error.message}"
            if error.hint:
                response["hint"] = error.hint
        # Half of a surrogate pair is no UTF-8; its escape is the same in JSON.
        yield json.dumps(response, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"


def _request(line: bytes) -> Mapping[str, Any]:
    try:
        request = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(f"is not valid JSON ({error})") from error
    if not isinstance(request, dict):
        raise InputError("holds no JSON object")
    return request


def _predicted(request: Mapping[str, Any], predictor: Predictor) -> dict[str, Any]:
    if "texts" in request:
        texts = request["texts"]
        if not isinstance(texts, list):
            raise InputError('"texts" is not a list of texts')
        rows = [_row({"text": text}, predictor) for text in texts]
        return {"predictions": _predictions(rows, predictor)}
    return _predictions([_row(request, predictor)], predictor)[0]


def _row(request: Mapping[str, Any], predictor: Predictor) -> InputRow:
    text, pair, tokens = (request.get(name) for name in ("text", "pair", "tokens"))
    if predictor.classifier.task.by_row:
        tokens = None
    elif tokens is None and isinstance(text, str):
        tokens = text.split()
    elif not isinstance(tokens, list) or not all(isinstance(token, str) for token in tokens):
        raise InputError('"tokens" is not a list of texts')
    elif text is None:
        text = " ".join(tokens)
    if "text" not in request and text is None:
        raise InputError('has neither "text" nor "texts"')
    for name, value in (("text", text), ("pair", pair)):
        if not isinstance(value, str) and not (name == "pair" and value is None):
            raise InputError(f'"{name}" is not a text')
    return InputRow(text, pair=pair, paired=pair is not None, tokens=tokens)


def _predictions(inputs: list[InputRow], predictor: Predictor) -> list[dict[str, Any]]:
    rows = complete_rows(inputs)
    encoded = predictor.encode(rows, SILENT)
    predictions = predictor.predict(rows, encoded, SILENT)
    return [row.result(prediction) for row, prediction in zip(inputs, predictions, strict=True)]
