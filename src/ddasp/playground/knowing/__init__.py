"""What can be said of a state: measures, the numbers of a unit, gradients, stability, missions."""
