"""Predictions of the exported model in this folder; needs only onnxruntime, tokenizers and NumPy.

python predict.py [--calibrated] [--tuned-thresholds] TEXT...   or one text per line of standard input
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

FOLDER = Path(__file__).parent
MODEL, METRICS = (json.loads((FOLDER / name).read_text("utf-8")) for name in ("export.json", "metrics.json"))
LABELS = MODEL["labels"]
TOKENIZER = Tokenizer.from_file(str(FOLDER / "tokenizer.json"))
TOKENIZER.no_padding()
TOKENIZER.enable_truncation(MODEL["max_length"])
SESSION = onnxruntime.InferenceSession(FOLDER / "model.onnx", providers=["CPUExecutionProvider"])


def predict(
    text: str, pair: str | None = None, calibrated: bool = False, tuned_thresholds: bool = False
) -> dict[str, Any]:
    """``{text, label, probabilities}`` as `tokkit predict` gives them; of tags ``tokens`` and ``tags``."""
    words = text.split() if MODEL["task"] == "tags" else None
    row = TOKENIZER.encode(text, pair) if words is None else TOKENIZER.encode(words, is_pretokenized=True)
    ids = row.ids or [MODEL["pad_id"]]
    arrays = {"input_ids": ids, "attention_mask": [1] * len(ids), "token_type_ids": row.type_ids or [0]}
    inputs = {item.name: np.array([arrays[item.name]]) for item in SESSION.get_inputs()}
    logits = SESSION.run(["logits"], inputs)[0][0]
    if calibrated:
        logits = logits / np.float32(METRICS["calibration"]["temperature"])
    if words is not None:
        first = {word: i for i, word in reversed(list(enumerate(row.word_ids))) if word is not None}
        tags = [LABELS[logits[first[i]].argmax()] if i in first else "O" for i in range(len(words))]
        return {"text": text, "label": " ".join(tags), "tokens": words, "tags": tags}
    if MODEL["task"] == "regression":
        return {"text": text, "label": f"{logits[0]:.4g}", "value": float(logits[0])}
    odds = np.exp(logits.astype(np.float64) - (logits.max() if MODEL["task"] == "single-label" else 0))
    shares = odds / (odds.sum() if MODEL["task"] == "single-label" else 1 + odds)
    thresholds = METRICS["thresholds"] if tuned_thresholds else {}
    cuts = np.clip([thresholds.get(label, {}).get("threshold", 0.5) for label in LABELS], 1e-9, 1 - 1e-9)
    decided = logits - np.log(cuts / (1 - cuts)).astype(np.float32)
    several = "|".join(LABELS[i] for i in np.flatnonzero(decided >= 0)) or "|"
    label = LABELS[decided.argmax()] if MODEL["task"] == "single-label" else several
    percent = [round(100 * share, 2) for share in shares.tolist()]
    return {"text": text, "label": label, "probabilities": dict(zip(LABELS, percent, strict=True))}


if __name__ == "__main__":
    flags = ["--calibrated" in sys.argv, "--tuned-thresholds" in sys.argv]
    texts = [text for text in sys.argv[1:] if not text.startswith("--")]
    for line in texts or (line.rstrip("\n") for line in sys.stdin):
        print(json.dumps(predict(line, None, *flags), ensure_ascii=False), flush=True)
