"""Recordings through a board: chunks, whole or as a stream, what it makes of them, detections, and memory cards."""
