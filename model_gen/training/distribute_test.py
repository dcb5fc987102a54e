"""Training over two devices, as `tf.distribute` has it; in a process of its own, which has two."""

import subprocess
import sys

import pytest

PROGRAM = """
import tempfile
from pathlib import Path
import tensorflow as tf
import model_gen
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from model_gen.training import engine_test
root = Path(tempfile.mkdtemp())
with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
    engine_test.run(engine_test.Keyed(), engine_test.recordings(root), root / "run")
print((root / "run" / "x_history.csv").read_text())
"""


@pytest.mark.slow
def test_a_model_made_in_a_scope_trains_over_its_devices() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert len(done.stdout.split()) == 1 + 3
