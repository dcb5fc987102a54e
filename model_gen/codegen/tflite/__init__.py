"""What a .tflite says: its graph, its options, the shapes and values of its tensors; of no backend."""
