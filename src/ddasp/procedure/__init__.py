"""The Established Procedure: six steps from a folder of sounds to a verdict and a model."""
