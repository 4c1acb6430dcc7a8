"""From a corpus or counts to a tokenizer folder: `train-*`, `count`, and the engine behind them."""
