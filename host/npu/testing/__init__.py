"""For tests only: networks of our own as a compiler would write them, and what they must compute."""
