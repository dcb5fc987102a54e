"""How a board that does not answer is brought back: a ladder of rungs, the mildest first."""
