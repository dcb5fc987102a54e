"""Training over two devices, as `tf.distribute` has it; in a process of its own, which has two."""

import json
import subprocess
import sys

import pytest

PROGRAM = """
import json
import tempfile
from pathlib import Path
import numpy as np
import tensorflow as tf
import model_gen
import keras
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from host.errors import BadInput
from model_gen.models.blocks import convolution
from model_gen.training.batch import Batch
from model_gen.training.devices import check_strategy
from model_gen.training.engine import fit
from model_gen.training.engine_test import CONTRACT, LABELS, Keyed, recordings
from model_gen.training.options import TrainOptions
from model_gen.training.presets import options_of
from model_gen.training.run import train

root = Path(tempfile.mkdtemp())
val = recordings(root)
found = {}


class Even(Keyed):
    def __len__(self):
        return 3

    def batch(self, index):
        rng = np.random.default_rng([self.epoch, index])
        x = rng.uniform(0, 1, (32, CONTRACT.bins, CONTRACT.frames, 1)).astype(np.float32)
        return Batch(x, rng.integers(0, 2, (32, 2)).astype(np.float32))


def run(name):
    path = root / name / "x.keras"
    told = {"epochs": 2, "batch_size": 32, "optimizer": "sgd", "grad_clip": 0.1}
    told |= {"learning_rate": 0.01, "warmup_epochs": 0, "select": "loss"}
    options = TrainOptions(Path("data"), checkpoint_path=path, **told)
    keras.utils.set_random_seed(1)
    x = sound = keras.Input((CONTRACT.bins, CONTRACT.frames, 1))
    for number in range(2):
        x = convolution.conv_bn_relu6(x, 8, 3, (2, 2), f"c{number}")
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(sound, keras.layers.Dense(2, name="logits")(x))
    history = fit(model, model, Even(), val, LABELS, options, "", {}).history
    found[name] = [[row.loss, row.val_loss] for row in history]


run("one")
mirrored = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
with mirrored.scope():
    run("two")
    convolution.replicas = lambda: 1
    run("apart")
for strategy, size in ((mirrored, 5), (tf.distribute.MultiWorkerMirroredStrategy(), 4)):
    with strategy.scope():
        try:
            check_strategy(size)
        except BadInput as error:
            found.setdefault("refused", []).append(str(error))
with mirrored.scope():
    try:
        train(options_of("release", {"data_path_train": Path("data"), "qat": True}))
    except BadInput as error:
        found["refused"].append(str(error))
print(json.dumps(found))
"""


@pytest.mark.slow
def test_two_devices_learn_as_one_does_and_several_workers_are_refused_by_name() -> None:
    """Batch norms see the whole batch; where each device has its own, the losses are others."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=500, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert len(found["one"]) == 2
    apart = [
        max(
            abs(a - b)
            for x, y in zip(found["one"], found[name], strict=True)
            for a, b in zip(x, y, strict=True)
        )
        for name in ("two", "apart")
    ]
    print(f"losses differ by {apart[0]:.1e}, with batch norms of each device by {apart[1]:.1e}")
    assert apart[0] < 1e-5
    assert apart[1] > 1e-4
    assert "--batch-size must be a multiple of the 2 devices" in found["refused"][0]
    assert "--batch-size 4" in found["refused"][0]
    assert "MultiWorkerMirroredStrategy does not train here" in found["refused"][1]
    assert "--qat trains on one device" in found["refused"][2]
    assert "2 devices" in found["refused"][2]
