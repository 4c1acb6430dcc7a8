"""Training rows resampled to balance the classes, and class weights."""
