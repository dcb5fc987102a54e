"""A teacher's pass against the model's own outputs, in shares and after an interruption too."""

import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from host.errors import BadInput
from host.files import write_atomically
from model_gen.data.dataset import find_recordings
from model_gen.data.shard import Shard, shard_of
from model_gen.data.testing import CONTRACT, RATE, write_tiny_dataset
from model_gen.evaluation.pooling import activate
from model_gen.models.build import build_model
from model_gen.models.checkpoint import config_files, save_checkpoint
from model_gen.models.config import ModelConfig
from model_gen.models.dscnn import Options
from model_gen.runtime import tensorflow
from model_gen.teaching import teach as teaching
from model_gen.teaching.config import TeacherConfig
from model_gen.teaching.teach import TeachOptions, teach
from model_gen.teaching.teacher import Teacher

CONFIG = ModelConfig(
    CONTRACT,
    ("down", "up"),
    num_mels=8,
    options=Options(alpha=0.25, depth_multiplier=0.25, embeddings_size=16),
)


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> TeachOptions:
    tensorflow()
    root = tmp_path_factory.mktemp("teach")
    data = write_tiny_dataset(root / "data", per_class=3)
    (data / "up" / "broken.flac").write_bytes(b"none")
    model = root / "own.keras"
    save_checkpoint(build_model(CONFIG, seed=3), model)
    for path, content in config_files(CONFIG, model).items():
        write_atomically(path, content)
    return TeachOptions(model, data, root / "said.npz", cache_dir=root / "cache")


def in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teaching, "RECORDINGS", 3)


def test_every_window_has_what_the_model_says(
    options: TeachOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    import keras
    import soundfile

    from host.reference.frontend import features

    in_parts(monkeypatch)
    result = teach(options)
    said = result.scores
    assert said is not None
    assert said.embedding is not None
    assert result.skipped == ("up/broken.flac",)
    model = keras.saving.load_model(options.model, compile=False)
    inner = keras.Model(model.input, model.get_layer("pool").output)
    heard = [r for r in find_recordings(options.data_path)[0] if r.relative not in result.skipped]
    starts = (0, 2000, 2400)  # of 6,400 samples; the last window ends with them
    sound = [soundfile.read(r.path, dtype="int16")[0] for r in heard]
    windows = np.stack([pcm[start : start + 4000] for pcm in sound for start in starts])
    x = features(windows, CONTRACT)[..., None]
    np.testing.assert_allclose(said.scores, activate(np.asarray(model(x)), "sigmoid"), atol=1e-5)
    np.testing.assert_allclose(said.embedding, np.asarray(inner(x)), atol=1e-4)
    assert said.path.tolist() == [r.relative for r in heard for _ in starts]
    assert said.start_seconds.tolist() == [start / RATE for _ in heard for start in starts]
    assert teach(options).done == result.parts  # nothing is heard again
    with pytest.raises(BadInput, match="not overwritten"):
        teach(replace(options, overlap=0.0))


def test_the_shares_union_and_a_resumed_pass_are_the_whole(
    options: TeachOptions,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    in_parts(monkeypatch)
    whole = replace(options, out=tmp_path / "whole.npz")
    teach(whole)
    want = whole.out.read_bytes()
    shared = replace(options, out=tmp_path / "shared.npz")
    capsys.readouterr()
    late: list[tuple[Path, bytes]] = []
    for shard in (Shard(2, 3), Shard(2, 3), Shard(3, 3), Shard(1, 3)):
        last = teach(replace(shared, shard=shard))
        late = late or [
            (one, one.read_bytes()) for one in (tmp_path / "shared.npz.parts").iterdir()
        ]
    said = re.findall(r"teacher: (\d+) of (\d+)", capsys.readouterr().err)
    assert [done == of for done, of in said].count(True) == 1  # of the share that came last
    assert last.done == last.parts == 4
    assert shared.out.read_bytes() == want
    (tmp_path / "shared.npz.parts").mkdir()  # as a share that comes late leaves it
    for path, content in late:
        path.write_bytes(content)
    teach(shared)
    assert not (tmp_path / "shared.npz.parts").exists()

    cut = replace(options, out=tmp_path / "cut.npz")
    heard: list[int] = []
    says = Teacher.__call__

    def stops(self: Teacher, chunks: Any) -> Any:
        if len(heard) == 2:
            raise KeyboardInterrupt
        heard.append(len(chunks))
        return says(self, chunks)

    with monkeypatch.context() as patched:
        patched.setattr(Teacher, "__call__", stops)
        with pytest.raises(KeyboardInterrupt):
            teach(cut)
    assert not cut.out.exists()
    parts = sorted((tmp_path / "cut.npz.parts").iterdir())
    assert len(parts) == 2
    parts[0].write_bytes(parts[0].read_bytes()[:-99])  # which is heard again
    teach(cut)
    assert cut.out.read_bytes() == want
    assert sorted(p.name for p in tmp_path.iterdir()) == ["cut.npz", "shared.npz", "whole.npz"]


def test_a_foreign_model_is_told_how_it_listens(options: TeachOptions, tmp_path: Path) -> None:
    import json

    import keras

    sound = keras.Input((4000,))
    inner = keras.layers.Dense(5, name="inner", kernel_initializer=keras.initializers.Ones())(sound)
    logits = keras.layers.Dense(3, kernel_initializer=keras.initializers.Ones())(inner)
    path = tmp_path / "foreign.keras"
    keras.Model(sound, logits).save(path)
    told = tmp_path / "told.json"
    foreign = replace(options, model=path, out=tmp_path / "said.npz", overlap=0.0)
    with pytest.raises(BadInput, match="needs --teacher-config"):
        teach(foreign)
    of_bundle = Path(shutil.copy(path, tmp_path / "model.tflite"))
    with pytest.raises(BadInput, match=r"ends in \.keras") as caught:
        teach(replace(foreign, model=of_bundle))
    assert "the checkpoint that it was quantized from" in caught.value.next_step
    config: dict[str, Any] = {
        "sample_rate": RATE,
        "window_seconds": 0.5,
        "input": "waveform",
        "output": "logits",
        "labels": ["up", "x", "down"],
        "embedding": "inner",
    }
    told.write_text(json.dumps(config))
    said = teach(replace(foreign, config=told)).scores
    assert said is not None
    assert (said.kind, said.window_seconds) == ("logits", 0.5)
    first = find_recordings(options.data_path)[0][0]
    import soundfile

    pcm, _ = soundfile.read(first.path, dtype="float32")
    assert said.embedding is not None
    np.testing.assert_allclose(said.embedding[0], pcm[:4000].sum(), rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(said.scores[0], 5 * pcm[:4000].sum(), rtol=1e-3, atol=5e-3)
    bare = teach(replace(foreign, config=told, out=tmp_path / "bare.npz", embedding=False)).scores
    assert bare is not None
    assert bare.embedding is None
    np.testing.assert_array_equal(bare.scores, said.scores)
    for wrong, words in (
        ({"labels": ["a", "b"]}, "2 outputs"),
        ({"window_seconds": 0.25}, "2000 values"),
        ({"output": "logit"}, "Did you mean logits"),
        ({"input": "sound"}, "waveform or a contract"),
        ({"embedding": "innr"}, "Did you mean inner"),
        ({"rate": 1}, "rate is not known"),
        ({"sample_rate": 10**9}, "sample_rate must be from 1 to 384,000"),
        ({"sample_rate": 0}, "sample_rate must be from 1 to 384,000"),
        ({"window_seconds": 0}, "window_seconds must be from 0.001 to 60"),
    ):
        told.write_text(json.dumps({**config, **wrong}))
        with pytest.raises(BadInput, match=words):
            teach(replace(foreign, config=told, out=tmp_path / "other.npz"))
    assert not (tmp_path / "other.npz").exists()
    shutil.copy(told, tmp_path / "text.keras")
    with pytest.raises(BadInput, match="expected a Keras model"):
        teach(replace(foreign, model=tmp_path / "text.keras", config=told))


def test_a_contract_may_be_a_foreign_model_s_input() -> None:
    given = TeacherConfig(RATE, 0.5, CONTRACT, "scores", ("a",))
    assert given.contract is CONTRACT
    with pytest.raises(BadInput, match="of 2000 samples at 8000 Hz"):
        TeacherConfig(RATE, 0.25, CONTRACT, "scores", ("a",))


@pytest.mark.parametrize("wrong", ["0/2", "3/2", "1", "a/b", "1/0", "-1/2"])
def test_a_share_is_one_of_its_number(wrong: str) -> None:
    with pytest.raises(BadInput, match="--shard must be I/N"):
        shard_of(wrong)
