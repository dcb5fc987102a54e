"""From recordings to a bundle, and from a bundle to C."""

import host  # noqa: F401  sets the environment that TensorFlow needs before its import
