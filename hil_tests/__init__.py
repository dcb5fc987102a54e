"""The hardware-in-the-loop suite: what needs a board tier, and nothing else."""
