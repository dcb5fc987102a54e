"""From a checkpoint to a bundle, through gates."""
