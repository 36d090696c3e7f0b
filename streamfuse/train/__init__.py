"""Training: pairs, faults, targets, losses, recipes, and the loop."""
