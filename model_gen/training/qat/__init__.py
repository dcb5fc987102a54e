"""Quantization-aware training: fine-tuning of a trained model for the int8 model that the converter makes of it."""
