"""What int8 costs a preset, by how it is quantized or trained for it: what `nightjar bench qat` measures."""
