"""The firmware project that wraps a backend's C: its files, its frontend, its messages, its limits."""
