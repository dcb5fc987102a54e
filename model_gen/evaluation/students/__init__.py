"""What a small student gains from a teacher, on speakers that neither heard in training."""
