"""What runs on the bench computer: reference, link, boards, comparison, reports, commands."""

import os

# TensorFlow aborts on some machines, and is not deterministic, with oneDNN on; it reads this once, at its import.
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

__version__ = "0.1.0"
