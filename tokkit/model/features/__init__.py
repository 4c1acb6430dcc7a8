"""Features: hidden states of frozen encoders in a file, with linear baselines and a map."""
