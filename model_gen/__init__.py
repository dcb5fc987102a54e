"""From recordings to a bundle, and from a bundle to C."""

import host  # noqa: F401  sets the environment that TensorFlow needs before its import
from model_gen import lean_keras

lean_keras.install()
