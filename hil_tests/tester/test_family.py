"""Members of the family, trained for some steps and converted: every byte of frontend and network on every tier."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from host.compare.prove import prove
from host.compare.session import Session
from model_gen.training.testing_family import write_member

pytestmark = pytest.mark.slow

# Name -> preset, and what is told besides.
MEMBERS: dict[str, tuple[str, dict[str, Any]]] = {
    "release": ("release", {}),
    "april": ("april", {}),
    "hybrid-db": ("release", {"mag_scale": "db", "depthwise_kernel": (5,)}),
    "hybrid-log": ("release", {"input_compression": "log", "use_attention_pooling": True}),
    "hybrid-april-pcen": ("april", {"mag_scale": "pcen", "se_reduction": 4}),
    "librosa-pwl": ("release", {"audio_frontend": "librosa", "se": True}),
    "librosa-pcen": ("release", {"audio_frontend": "librosa", "input_compression": "pcen"}),
    "librosa-db": ("april", {"audio_frontend": "librosa", "mag_scale": "db"}),
    "mfcc": ("release", {"audio_frontend": "mfcc", "inverted_residual": True}),
    "mfcc-april": ("april", {"audio_frontend": "mfcc", "use_attention_pooling": True}),
    "log-mel": ("release", {"audio_frontend": "log_mel", "depthwise_kernel": (3, 5, 3, 5)}),
    "log-mel-april": ("april", {"audio_frontend": "log_mel", "expansion_factor": 3}),
    "raw": ("release", {"audio_frontend": "raw"}),
    "raw-pcen": ("release", {"audio_frontend": "raw", "mag_scale": "pcen"}),
    "raw-april": ("april", {"audio_frontend": "raw", "mag_scale": "none"}),
    "se-inverted-attention": (
        "release",
        {"se": True, "inverted_residual": True, "use_attention_pooling": True},
    ),
}
ON_VIRTUAL = ("raw", "mfcc", "librosa-pcen", "hybrid-db", "se-inverted-attention", "april")


@pytest.fixture(scope="module")
def bundle_of(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("family")

    @cache
    def bundle(name: str) -> Path:
        return write_member(folder / name, *MEMBERS[name])

    return bundle


@pytest.mark.parametrize(
    ("name", "tier"),
    [*((name, "native") for name in MEMBERS), *((name, "virtual") for name in ON_VIRTUAL)],
)
def test_every_byte_is_the_reference_s(
    name: str, tier: str, bundle_of: Any, made: Any, boards: Path
) -> None:
    subject, project = made(bundle_of(name), tier)
    verdict = prove(Session(project, subject, tier, vectors=1, seed=5, root=boards))
    assert verdict.exact, verdict.headline
    assert (
        verdict.vectors == 3
    )  # one drawn, and two windows of sound, whose frontend the board computes
