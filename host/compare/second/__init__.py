"""The judge's judge: other kernels of TFLite beside the reference, and float64 where they are apart."""
