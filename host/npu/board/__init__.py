"""A generated network on a virtual Cortex-M55."""
