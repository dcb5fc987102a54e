import csv
import dataclasses
import json
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from host.cli.synth import command
from host.errors import BadInput
from host.files import sha256_file
from model_gen.data import synth
from model_gen.data.synth import NOISE, RATE, SynthOptions, make_recording, plan, write_dataset
from model_gen.data.synth_noise import background, band_rms
from model_gen.data.synth_species import SPECIES
from model_gen.data.synth_voice import draw_individual, sing

SMALL = SynthOptions(seed=3, per_species=4, species=2, seconds=(0.5, 1.0))


def hashes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): sha256_file(path) for path in files}


def test_the_same_options_give_the_same_bytes_whatever_the_workers(tmp_path: Path) -> None:
    write_dataset(tmp_path / "a", SMALL, workers=1)
    write_dataset(tmp_path / "b", SMALL, workers=5)
    write_dataset(tmp_path / "c", dataclasses.replace(SMALL, seed=4))
    assert hashes(tmp_path / "a") == hashes(tmp_path / "b")
    assert hashes(tmp_path / "a") != hashes(tmp_path / "c")


def test_the_files_are_what_the_tables_say(tmp_path: Path) -> None:
    summary = write_dataset(tmp_path / "set", SMALL)
    metadata = list(csv.DictReader((tmp_path / "set/metadata.csv").open()))
    split = {
        row["path"]: row["split"] for row in csv.DictReader((tmp_path / "set/split.csv").open())
    }
    audio = sorted(
        p.relative_to(tmp_path / "set").as_posix() for p in tmp_path.glob("set/*/*.flac")
    )
    assert [row["file"] for row in metadata] == list(split) == audio
    assert len(audio) == summary.recordings == 12
    for row in metadata:
        assert row["file"].startswith(f"{row['species']}/{row['individual']}_")
        if row["species"] == NOISE:
            assert row["snr_db"] == ""
        else:
            assert -5 <= float(row["snr_db"]) <= 20
        info = soundfile.info(tmp_path / "set" / row["file"])
        assert (info.samplerate, info.channels, info.subtype) == (RATE, 1, "PCM_16")
        assert 0.5 <= info.duration <= 1.0


@pytest.mark.parametrize("per_species", [3, 4, 5, 11, 40, 200])
def test_test_has_individuals_that_training_never_hears(per_species: int) -> None:
    items = plan(SynthOptions(per_species=per_species))
    counts = Counter(item.folder for item in items)
    assert len(counts) == 9
    assert set(counts.values()) == {per_species}
    heard = {(i.folder, i.individual) for i in items if i.split != "test"}
    tested: dict[str, list[bool]] = defaultdict(list)
    for item in items:
        if item.split == "test":
            tested[item.folder].append((item.folder, item.individual) not in heard)
            if item.role == "unheard":
                assert (item.folder, item.individual) not in heard
    assert set(tested) == set(counts)
    assert all(np.mean(unheard) >= 0.25 for unheard in tested.values())
    for split in ("train", "val"):
        assert {i.folder for i in items if i.split == split} == set(counts)


def test_the_default_split_is_about_60_15_25() -> None:
    shares = Counter(item.split for item in plan(SynthOptions()))
    assert shares == {"train": 216, "val": 54, "test": 90}


@pytest.mark.parametrize("species", SPECIES, ids=lambda s: s.name)
def test_a_random_chunk_usually_holds_song(species: object) -> None:
    assert isinstance(species, type(SPECIES[0]))
    rng = np.random.default_rng(7)
    silent = 0
    for _ in range(10):
        song = sing(species, draw_individual(rng), 4 * RATE, RATE, rng)
        assert np.abs(song).max() <= 1.01
        start = int(rng.integers(0, len(song) - 60000))
        silent += bool(np.mean(np.abs(song[start : start + 60000]) > 0.05) < 0.05)
    assert silent <= 1


def test_snr_is_measured_where_the_song_sounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the background replaced by a known one, song and background separate by subtraction."""
    quiet = np.zeros(1)

    def known(samples: int, rate: int, rng: np.random.Generator) -> np.ndarray:
        nonlocal quiet
        background(samples, rate, rng)
        quiet = np.random.default_rng(1).standard_normal(samples)
        quiet /= band_rms(quiet, rate)
        return quiet

    monkeypatch.setattr(synth, "background", known)
    item = next(i for i in plan(SynthOptions()) if i.folder == "seesaw")
    samples, snr = make_recording(item, SynthOptions())
    assert snr is not None
    mixture = samples / 32768
    gain = np.dot(mixture, quiet) / np.dot(quiet, quiet)  # what is left has nothing of it
    song = mixture - gain * quiet
    loud = np.abs(song) > 0.05 * np.abs(song).max()
    got = 20 * np.log10(np.sqrt(np.mean(song[loud] ** 2)) / gain)
    assert abs(got - snr) < 1.0


def test_backgrounds_have_unit_power_in_the_band_of_birds() -> None:
    for seed in range(5):
        sound = background(RATE * 2, RATE, np.random.default_rng(seed))
        assert band_rms(sound, RATE) == pytest.approx(1.0)
    noise = np.random.default_rng(1).standard_normal(RATE * 10)
    assert band_rms(noise, RATE) == pytest.approx(np.sqrt(9000 / 12000), rel=0.01)


def test_only_empty_and_own_folders_are_replaced(tmp_path: Path) -> None:
    out = tmp_path / "set"
    out.mkdir()
    write_dataset(out, SMALL)
    write_dataset(out, dataclasses.replace(SMALL, per_species=3))
    assert len(list(out.glob("*/*.flac"))) == 9
    (out / "noise" / "mine.wav").write_bytes(b"precious")
    with pytest.raises(BadInput, match="just as nightjar wrote it") as caught:
        write_dataset(out, SMALL)
    assert "noise/mine.wav" in caught.value.evidence
    (out / "noise" / "mine.wav").unlink()
    (out / "split.csv").write_text("path,split\n")
    with pytest.raises(BadInput, match="just as nightjar wrote it") as caught:
        write_dataset(out, SMALL)
    assert "split.csv, which was changed" in caught.value.evidence
    write_dataset(out, SMALL, force=True)
    assert (out / "split.csv").read_text() != "path,split\n"
    (tmp_path / "file").write_text("x")
    with pytest.raises(BadInput, match="folder"):
        write_dataset(tmp_path / "file", SMALL)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_nothing_is_left_when_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(soundfile, "write", full)
    with pytest.raises(OSError, match="No space"):
        write_dataset(tmp_path / "set", SMALL)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "wrong",
    [{"seed": -1}, {"per_species": 2}, {"species": 1}, {"species": 99}, {"seconds": (4.0, 3.0)}],
)
def test_unusable_options_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(BadInput) as caught:
        dataclasses.replace(SMALL, **wrong)  # type: ignore[arg-type]
    assert caught.value.evidence.startswith("Received: ")


def test_the_command_prints_json_and_nothing_else(tmp_path: Path) -> None:
    arguments = [str(tmp_path / "set"), "--per-species", "3", "--species", "2"]
    done = CliRunner().invoke(command, [*arguments, "--duration", "0.5", "0.6", "--json", "-"])
    assert done.exit_code == 0, done.output
    payload = json.loads(done.stdout)
    assert payload["recordings"] == 9
    assert payload["labels"] == ["chiffer", "whistler"]
    assert payload["splits"] == {"test": 3, "train": 3, "val": 3}
    assert payload["unheard_share"] == 1.0
