"""Commands of the processor. Each module imports lightly: what is heavy is imported inside the functions."""
