"""Models that are linear in their parameters: y = X theta.

*Conventions*: X (n_observations, n_features), y (n_observations,), theta (n_features,); A stands for
a matrix that is no data. Real and complex where the docstring says so; dtype in = dtype out. NumPy
and SciPy are all that is needed.
"""
