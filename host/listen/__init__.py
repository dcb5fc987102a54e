"""Recordings through a board: their chunks, whole or as a stream, what it makes of them, their pooling, and memory cards."""
