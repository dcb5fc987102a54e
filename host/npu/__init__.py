"""The virtual Neural-ART: what ST's NPU computes, to the bit, on any machine."""
