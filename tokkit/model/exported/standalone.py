"""Predictions of the exported model in this folder; needs only onnxruntime, tokenizers and NumPy.

python predict.py [--calibrated] [--tuned-thresholds] TEXT...   or one text per line of standard input
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

FOLDER = Path(__file__).parent
MODEL, METRICS = (json.loads((FOLDER / name).read_text("utf-8")) for name in ("export.json", "metrics.json"))
TASK, LABELS, SINGLE = MODEL["task"], MODEL["labels"], MODEL["task"] == "single-label"
TOKENIZER = Tokenizer.from_file(str(FOLDER / "tokenizer.json"))
TOKENIZER.no_padding()
TOKENIZER.enable_truncation(MODEL["max_length"])
OPTIONS = {"--calibrated": "calibration", "--tuned-thresholds": "thresholds"}
SESSION = onnxruntime.InferenceSession(FOLDER / "model.onnx", providers=["CPUExecutionProvider"])


def predict(text: str, pair: str | None = None, *flags: str) -> dict[str, object]:
    """``{text, label, probabilities}`` as `tokkit predict` gives them; of tags ``tokens`` and ``tags``."""
    words = text.split()
    row = TOKENIZER.encode(words if TASK == "tags" else text, pair, is_pretokenized=TASK == "tags")
    ids = row.ids or [MODEL["pad_id"]]
    arrays = {"input_ids": ids, "attention_mask": [1] * len(ids), "token_type_ids": row.type_ids or [0]}
    inputs = {item.name: np.array([arrays[item.name]]) for item in SESSION.get_inputs()}
    temperature = np.float32(METRICS["calibration"]["temperature"] if "--calibrated" in flags else 1)
    logits = (SESSION.run(["logits"], inputs)[0][0] / temperature).astype(np.float64)
    if TASK == "tags":
        spans = map(row.word_to_tokens, range(len(words)))
        tags = [LABELS[logits[span[0]].argmax()] if span else "O" for span in spans]
        return {"text": text, "label": " ".join(tags), "tokens": words, "tags": tags}
    if TASK == "regression":
        return {"text": text, "label": f"{logits[0]:.4g}", "value": logits[0].item()}
    shares = np.exp(logits - (np.logaddexp.reduce(logits) if SINGLE else np.logaddexp(logits, 0)))
    tuned = METRICS["thresholds"] if "--tuned-thresholds" in flags else {}
    cuts = np.clip([tuned.get(label, {}).get("threshold", 0.5) for label in LABELS], 1e-9, 1 - 1e-9)
    decided = logits - np.log(cuts / (1 - cuts)).astype(np.float32)
    chosen = [decided.argmax()] if SINGLE else np.flatnonzero(decided >= 0)
    per_cent = {label: round(100 * share, 2) for label, share in zip(LABELS, shares.tolist(), strict=True)}
    return {"text": text, "label": "|".join(LABELS[i] for i in chosen) or "|", "probabilities": per_cent}


if __name__ == "__main__":
    flags = OPTIONS.keys() & sys.argv[1:]
    if lacking := [flag for flag in sorted(flags) if OPTIONS[flag] not in METRICS]:
        sys.exit(f"{lacking[0]}: the model was exported without {OPTIONS[lacking[0]]}")
    for line in [word for word in sys.argv[1:] if word not in flags] or sys.stdin:
        print(json.dumps(predict(line.rstrip("\n"), None, *flags), ensure_ascii=False), flush=True)
