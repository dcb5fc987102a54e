"""Tiny networks whose outputs decide what nobody knows of the NPU's arithmetic: docs/npu-probes.md."""
