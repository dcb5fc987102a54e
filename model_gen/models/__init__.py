"""Backbones and their configuration."""
