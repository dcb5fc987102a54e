"""The tests of the tester."""
