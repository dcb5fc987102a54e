"""From a .tflite to a self-contained firmware project in C."""
