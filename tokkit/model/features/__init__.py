"""Frozen features: hidden states computed once, and what they tell without any fine-tuning."""
