"""For tests: what stedgeai writes, of small networks of our own."""
