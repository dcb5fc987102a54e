"""From audio files to int16 chunks."""
