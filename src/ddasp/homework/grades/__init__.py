"""A class is graded: settings, points, the folder of grades."""
