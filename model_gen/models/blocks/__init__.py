"""Blocks that backbones are made of, one a file, of Keras's own layers alone: what they make is saved and loaded
without a line of this project, quantizes to int8, and runs on backend cm55.

Images are `[batch, height, width, channels]`: frequency down, time across. Every block takes the name that its layers'
names begin with, so that a checkpoint's weights say where they belong. Formulas and costs: docs/models.md.
"""
