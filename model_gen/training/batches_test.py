from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from host.frontend_contract import changed
from model_gen.audio.decode import to_int16
from model_gen.data.dataset import index_dataset
from model_gen.data.features import Chunks, extract
from model_gen.data.selection import Selection
from model_gen.data.testing import CONTRACT, TINY, write_clips, write_tiny_dataset
from model_gen.training.augment import mixtures
from model_gen.training.batches import TrainBatches, upsample
from model_gen.training.disturb import Disturber
from model_gen.training.noise_bank import bank_for, generated
from model_gen.training.options import TrainOptions
from model_gen.training.randomness import keyed
from model_gen.training.run import content_sha256

LABELS = ("down", "up")
UNDISTURBED: dict[str, Any] = {
    "gain_db": 0.0,
    "noise_probability": 0.0,
    "rain_probability": 0.0,
    "hum_probability": 0.0,
    "click_probability": 0.0,
    "dc_probability": 0.0,
}
UNMOVED: dict[str, Any] = {
    "placement": "fixed",
    "background_probability": 0.0,
    "warp_max": 0.0,
}


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> TrainOptions:
    root = tmp_path_factory.mktemp("batches")
    data = write_tiny_dataset(root / "data", per_class=6)
    for number in range(2, 6):
        (data / "up" / f"{'ab'[number % 2]}{number}_{number // 2}.wav").unlink()
    clips = write_clips(root / "clips", (900, 3500), ("down", "Noise", "up"))
    for path in clips.glob("*/*.wav"):  # shorter than a chunk, in which they are placed
        path.rename(data / path.parent.name / f"clip{path.name}")
    given: dict[str, Any] = {**TINY, "upsample_ratio": 1.0}
    return TrainOptions(data_path_train=data, cache_dir=root / "cache", **given)


@pytest.fixture(scope="module")
def chunks(options: TrainOptions) -> Chunks:
    recordings = index_dataset(options.data_path_train).recordings
    return extract(recordings, CONTRACT, Selection(salient=2), cache_dir=options.cache_dir)


def delivered(batches: TrainBatches, workers: int, processes: bool, epochs: int) -> list[bytes]:
    """What Keras hands to a model, all bytes of each batch."""
    from keras.src.trainers.data_adapters.py_dataset_adapter import PyDatasetAdapter

    batches.workers, batches.use_multiprocessing = workers, processes
    adapter = PyDatasetAdapter(batches, shuffle=False)
    found = []
    for epoch in range(1, epochs + 1):
        batches.begin(epoch)
        adapter.on_epoch_begin()
        for inputs, judged in adapter._get_iterator():
            found.append(b"".join(a.tobytes() for a in (inputs, *map(judged.get, sorted(judged)))))
        adapter.on_epoch_end()
    return found


@pytest.mark.parametrize(
    ("workers", "processes"), [(0, False), (1, False), (2, False), (5, False), (2, True)]
)
@pytest.mark.parametrize("domain", ["input", "audio"])
def test_batches_are_the_same_bytes_for_any_number_of_workers(
    options: TrainOptions, chunks: Chunks, workers: int, processes: bool, domain: str
) -> None:
    """A batch as its number alone says is the reference; the last is asked for first."""
    options = replace(options, mixup_domain=domain, speed_max=0.1 if domain == "audio" else 0.0)
    alone = TrainBatches(chunks, LABELS, options)
    want: list[bytes] = []
    for epoch in (2, 1):
        alone.begin(epoch)
        numbers = reversed(range(len(alone)))
        made = {n: alone.batch(n).for_keras() for n in numbers}
        for n in reversed(range(len(alone))):
            inputs, judged = made[n]
            arrays = (inputs, *(judged[name] for name in sorted(judged)))
            want.insert(0, b"".join(array.tobytes() for array in arrays))
    assert delivered(TrainBatches(chunks, LABELS, options), workers, processes, 2) == want
    assert len(set(want)) == len(want)


def test_an_epoch_is_a_permutation_of_all_windows(options: TrainOptions, chunks: Chunks) -> None:
    batches = TrainBatches(chunks, LABELS, options)
    orders = []
    for epoch in (1, 2):
        batches.begin(epoch)
        rows = np.concatenate([batches.batch(i).rows for i in range(len(batches))])
        orders.append(rows.tolist())
        assert set(rows) == set(range(len(chunks)))
        assert len(rows) == 3 * Counter(map(chunks.kind, range(len(chunks))))["down"]
    assert sorted(orders[0]) == sorted(orders[1])
    assert orders[0] != orders[1]


def test_without_augmentation_a_batch_is_the_features_of_its_windows(
    options: TrainOptions, chunks: Chunks
) -> None:
    plain = replace(options, mixup_probability=0.0, spec_augment=False, **UNDISTURBED, **UNMOVED)
    batches = TrainBatches(chunks, LABELS, plain)
    batch = batches.batch(0)
    assert batch.rows is not None
    np.testing.assert_array_equal(batch.inputs[..., 0], chunks.features(batch.rows))
    for row, target in zip(batch.rows, batch.targets, strict=True):
        assert target.tolist() == [chunks.kind(row) == label for label in LABELS]


def test_masks_of_coefficients_hold_their_means_for_0_is_no_silence_there(
    options: TrainOptions,
) -> None:
    """Between a chunk's extremes coefficients lie around 0.9, but for the first one, which has the least."""
    of_mel = changed(CONTRACT, spectrum="power", mel_bands=16, compression="log")
    recordings = index_dataset(options.data_path_train).recordings
    masks = replace(options, mixup_probability=0.0, **UNDISTURBED, **UNMOVED)
    for contract in (of_mel, changed(of_mel, mfcc=8)):
        chunks = extract(recordings, contract, Selection(salient=2), cache_dir=options.cache_dir)
        batch = TrainBatches(chunks, LABELS, masks).batch(0)
        assert batch.rows is not None
        plain, found = chunks.features(batch.rows), batch.inputs[..., 0]
        means = plain.mean(axis=2, keepdims=True) * bool(contract.mfcc)
        np.testing.assert_array_equal(found, np.where(found == plain, plain, means))
        assert 0.02 < (found != plain).mean() < 0.9


def test_masks_and_disturbances_belong_to_a_window_not_to_its_batch(
    options: TrainOptions, chunks: Chunks
) -> None:
    """With another batch size, what a window looks like in an epoch stays; repetitions differ."""
    seen: list[dict[int, set[bytes]]] = []
    for size in (3, 8):
        batches = TrainBatches(
            chunks, LABELS, replace(options, batch_size=size, mixup_probability=0.0)
        )
        looks: dict[int, set[bytes]] = {}
        for index in range(len(batches)):
            batch = batches.batch(index)
            assert batch.rows is not None
            for row, window in zip(batch.inputs, batch.rows, strict=True):
                looks.setdefault(int(window), set()).add(row.tobytes())
        seen.append(looks)
    assert seen[0] == seen[1]
    assert max(map(len, seen[0].values())) > 1


def test_a_disturbed_batch_is_the_features_of_its_disturbed_windows(
    options: TrainOptions, chunks: Chunks
) -> None:
    options = replace(options, mixup_probability=0.0, spec_augment=False, **UNMOVED)
    batches = TrainBatches(chunks, LABELS, options)
    batches.begin(3)
    disturb = Disturber(options, bank_for(options, chunks))
    looks: dict[int, list[bytes]] = {}
    for index in range(len(batches)):
        batch = batches.batch(index)
        assert batch.rows is not None
        for inputs, row in zip(batch.inputs[..., 0], batch.rows, strict=True):
            looks.setdefault(int(row), []).append(inputs.tobytes())
    changed = 0
    for row, found in looks.items():
        pcm = chunks.samples(row)
        x = pcm.astype(np.float32) * np.float32(1 / 32768)
        key = (options.seed, 3, chunks.recording(row).relative, int(chunks.rows[row]))
        turns = np.stack([to_int16(disturb(x, *key, turn)) for turn in range(len(found))])
        assert sorted(one.tobytes() for one in chunks.features_of(turns)) == sorted(found)
        changed += int((turns != pcm).any(axis=1).sum())
    assert changed > len(looks) / 2


def test_sound_is_mixed_once_rounded_and_saturated_with_what_inputs_would_be_mixed_with(
    options: TrainOptions, chunks: Chunks
) -> None:
    of_inputs = replace(options, mixup_probability=0.6, mixup_alpha=0.9, spec_augment=False)
    of_inputs = replace(of_inputs, **UNDISTURBED, **UNMOVED)
    mixed = 0
    for index in range(2):
        batch, other = (
            TrainBatches(chunks, LABELS, replace(of_inputs, mixup_domain=domain)).batch(index)
            for domain in ("audio", "input")
        )
        assert batch.rows is not None
        np.testing.assert_array_equal(batch.rows, other.rows)
        np.testing.assert_array_equal(batch.targets, other.targets)
        pcm = chunks.pcm(batch.rows)
        drawn = mixtures(
            len(pcm), keyed("mixup", options.seed, 1, index), alpha=0.9, probability=0.6
        )
        for row, inputs in enumerate(batch.inputs[..., 0]):
            if row in drawn:
                sources = zip(drawn[row].rows, drawn[row].gains, strict=True)
                total = sum(np.float32(gain) * pcm[i].astype(np.float32) for i, gain in sources)
                want = chunks.features_of(np.rint(total).clip(-32768, 32767).astype(np.int16)[None])
                np.testing.assert_allclose(inputs, want[0], atol=2e-3)
                mixed += 1
            else:
                np.testing.assert_array_equal(inputs, chunks.features_of(pcm[row][None])[0])
                np.testing.assert_array_equal(inputs, other.inputs[row, ..., 0])
    assert mixed > 4


def test_a_resumed_run_is_told_of_another_noise_bank(options: TrainOptions) -> None:
    dataset = index_dataset(options.data_path_train)
    contents = [""] * len(dataset.recordings)
    banks = [generated(options.sample_rate, seed).sha256 for seed in (1, 2)]
    found = {content_sha256(dataset, contents, others) for others in ([], *([b] for b in banks))}
    assert len(found) == 3


def test_minority_classes_are_repeated_up_to_the_share_of_the_largest() -> None:
    indices, turns = upsample(["a"] * 10 + ["b"] * 2 + ["c"] * 7, 0.5)
    assert sorted(indices[:10]) == list(range(10))
    assert indices[10:15].tolist() == [10, 11, 10, 11, 10]
    assert indices[15:].tolist() == list(range(12, 19))
    assert turns[10:15].tolist() == [0, 0, 1, 1, 2]
    assert set(turns[:10]) == set(turns[15:]) == {0}
    assert len(upsample(["a"] * 10 + ["b"], 0)[0]) == 11
