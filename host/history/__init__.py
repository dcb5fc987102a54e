"""The history: an append-only store of verdicts, by commit and board."""
