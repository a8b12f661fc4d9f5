"""The models that compete: each learns from a feature table and gives scores or values."""

from ddasp.procedure.models.baselines import Linear, Majority, Rule
from ddasp.procedure.models.frame import Kind, Model, Standardiser
from ddasp.procedure.models.kernels import Kernel, KernelRidge, Neighbours, SupportVectors
from ddasp.procedure.models.networks import Convolutional, Perceptron
from ddasp.procedure.models.trees import Forest, Tree

__all__ = [
    "Convolutional",
    "Forest",
    "Kernel",
    "KernelRidge",
    "Kind",
    "Linear",
    "Majority",
    "Model",
    "Neighbours",
    "Perceptron",
    "Rule",
    "Standardiser",
    "SupportVectors",
    "Tree",
]
