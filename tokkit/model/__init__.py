"""Text classifiers: built or loaded, fine-tuned, evaluated, asked."""
