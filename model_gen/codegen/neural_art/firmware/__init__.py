"""The firmware project around a generated network.c."""
