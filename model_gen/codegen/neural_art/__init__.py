"""Backend neural_art: ST's stedgeai driven, and what it writes read into one model."""
