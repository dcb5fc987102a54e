"""How much of a firmware its vectors exercise: code executed, and constants read."""
