"""Keras is imported in less time, and what it leaves out is there for who asks for it."""

import subprocess
import sys

PROGRAM = """
import sys
import model_gen.runtime
model_gen.runtime.tensorflow()
import keras
print(sorted({"sklearn", "matplotlib"} & set(sys.modules)))
import sklearn.metrics, matplotlib.pyplot
print(sklearn.__name__, matplotlib.pyplot.__name__)
"""


def test_keras_imports_neither_and_others_do() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.stdout.splitlines() == ["[]", "sklearn matplotlib.pyplot"], done.stderr
