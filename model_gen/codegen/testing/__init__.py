"""Models that tests are made of, and what runs their C on the host."""
