"""The backend cm55: from a resolved graph to the C of our int8 kernels on a Cortex-M55."""
