"""The trained model as it serves: arrays from a bundle, numpy, scipy and compiled kernels; no learning library."""
