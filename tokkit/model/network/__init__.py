"""The classifier: body, head, loss, batches and inference."""
