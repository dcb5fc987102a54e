"""What the NPU computes held against TFLite's reference, tensor by tensor."""
