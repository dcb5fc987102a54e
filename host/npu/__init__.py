"""The virtual Neural-ART: what the NPU computes, to the bit, without an NPU."""
