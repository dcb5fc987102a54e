"""A trained model in another folder: what quantization-aware training begins with."""

import json
import shutil
from pathlib import Path

from model_gen.evaluation.kept import ASKED
from model_gen.evaluation.qat.jobs import MODEL, float_recipe
from model_gen.models.checkpoint import beside
from model_gen.models.config import config_path
from model_gen.training.options import TrainOptions


def copy_checkpoint(base: Path, folder: Path) -> Path:
    """The checkpoint, and what says which classes and recordings it is of, in `folder`."""
    for path in (base, config_path(base), beside(base, "labels.txt"), beside(base, "split.csv")):
        shutil.copy(path, folder)
    return folder / base.name


def is_of(folder: Path, options: TrainOptions) -> bool:
    """Whether a folder of `bench family` holds a training that ended, of these very options."""
    told = folder / ASKED
    if not told.is_file() or not (folder / MODEL).is_file():
        return False
    recipe = json.loads(told.read_text(encoding="utf-8")).get("recipe", {})
    return float_recipe(recipe) == float_recipe(options.recipe())
