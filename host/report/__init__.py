"""Verdicts as JSON, JUnit and HTML."""
