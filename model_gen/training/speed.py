"""`python -m model_gen.training.speed DATA`: how many training windows are made in a second of processor time.

Of the recordings of a data folder, all of them, under the preset `release`: placed, augmented and as
spectrograms, from a warm cache. The best of some epochs, because other programs disturb.
"""

import sys
import time
from pathlib import Path

from model_gen.data.dataset import index_dataset
from model_gen.data.features import extract
from model_gen.data.selection import Selection
from model_gen.training.batches import TrainBatches
from model_gen.training.options import TrainOptions

_EPOCHS = 3


def windows_a_second(options: TrainOptions) -> float:
    """Windows that `TrainBatches` makes in a second of processor time.

    Raises:
        BadInput: the folder holds no recordings to train on.
    """
    dataset = index_dataset(options.data_path_train)
    selection = Selection(options.max_duration, salient=options.max_chunks_per_file)
    chunks = extract(dataset.recordings, options.contract, selection, cache_dir=options.cache_dir)
    batches = TrainBatches(chunks, dataset.labels, options)
    taken = []
    for epoch in range(_EPOCHS + 1):  # the first is a warm-up: it checks the cache's digests
        batches.begin(epoch + 1)
        begun = time.process_time()
        made = sum(len(batches.batch(index).inputs) for index in range(len(batches)))
        taken.append((time.process_time() - begun) / made)
    return 1 / min(taken[1:])


if __name__ == "__main__":
    found = windows_a_second(TrainOptions(Path(sys.argv[1])))
    print(f"{found:,.0f} windows a second of processor time")
