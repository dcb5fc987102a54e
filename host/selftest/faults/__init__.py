"""The fault table, executed: each fault injected for real, on a real tier, and what came of it."""
