"""Search for better options of training: a study of trials that processes share (docs/tuning.md)."""
