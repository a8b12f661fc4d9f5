"""Models that are linear in their parameters: y = X theta."""
