"""The ranges of an int8 model's activations: measured, written into the calibrated model, recorded, taken again."""
