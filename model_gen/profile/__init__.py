"""The profile of a model: what it costs and what the NPU makes of it, before it is trained or converted."""
