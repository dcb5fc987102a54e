"""Where the instructions of an inference go, counted on the virtual board."""
