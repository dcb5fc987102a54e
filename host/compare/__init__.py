"""The comparison: what a board computed against what the host reference computed, tensor by tensor."""
