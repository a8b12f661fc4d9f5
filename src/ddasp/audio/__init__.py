"""The building blocks for signals: shape (n_samples, n_channels), full scale = 1, rates in Hz."""
