"""Recordings through a board: their chunks, whole or as a stream, what it makes of them, and their pooling."""
