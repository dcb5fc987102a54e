"""For tests only: networks of our own as a compiler writes them, and what they must compute."""
