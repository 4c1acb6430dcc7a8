"""Fine-tuning: the run that prepares everything, and the loop it drives."""
