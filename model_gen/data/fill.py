"""The windows of recordings into a folder, share by share, so that several machines decode for one training."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from model_gen.data.cache import Skipped, window_cache
from model_gen.data.hearing import LookOptions
from model_gen.data.look import begin
from model_gen.data.selection import Selection
from model_gen.data.shard import Shard
from model_gen.progress import bar, warn


@dataclass(frozen=True)
class Filled:
    """What a share has: recordings and windows of them, and the recordings that cannot be decoded."""

    recordings: int
    windows: int
    skipped: tuple[Skipped, ...]


def fill(options: LookOptions, shard: Shard, folder: Path) -> Filled:
    """Hear a share of the recordings as training does, into `folder`, which `--cache-dir` names there.

    What lies there is not decoded again, so that a share may be made twice. The folder of all shares
    is that of the whole.

    Raises:
        BadInput: there are no recordings, or the options make no sense.
    """
    hearing = options.hearing
    everything = begin(options).dataset.recordings
    mine = [one for number, one in enumerate(everything) if shard.has(number)]
    selection = Selection(hearing.max_duration, salient=hearing.most)
    cache = window_cache(hearing.sample_rate, hearing.chunk, selection, folder)
    windows, skipped = 0, []
    with (
        ThreadPoolExecutor(max(1, options.num_workers)) as pool,
        bar(f"recordings of share {shard.number}/{shard.of}", len(mine)) as show,
    ):
        for number, found in enumerate(pool.map(cache.entry, mine), start=1):
            if isinstance(found, Skipped):
                skipped.append(found)
                warn(f"skipped {found.path}: {found.reason}")
            else:
                windows += len(found[1].starts)
            show(number)
    cache.warn()
    return Filled(len(mine), windows, tuple(skipped))
