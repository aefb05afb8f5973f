"""Programs that reach every family of kernels, to try a bundle with."""
