"""The compiler model: what ST's compiler would choose for a .tflite, and what follows."""
