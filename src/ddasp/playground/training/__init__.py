"""The experiment that trains: states, steps between them, the way back, pictures, what leaves it."""
