"""The compiler model: what ST's compiler would choose for a .tflite, and the tensors that follow."""
