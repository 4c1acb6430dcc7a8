"""Exported models: their folder, the runtimes that compute them, and their logits; all without torch."""
