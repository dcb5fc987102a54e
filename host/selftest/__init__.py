"""The tester tested: pytest's ways to hide a failure, damaged firmware, signals and links, in great numbers."""
