"""What backends are called where one is told from another."""

NEURAL_ART = "neural_art"  # the NPU of an STM32N6: its layers are epochs of a generated network
