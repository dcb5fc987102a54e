"""From features to a checkpoint."""
