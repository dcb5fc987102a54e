"""What every board must reproduce: the frontend in C, and TFLite's reference kernels."""
