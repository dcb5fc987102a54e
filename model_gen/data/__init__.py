"""Recordings on disk: which there are, how they are split, and their features."""
