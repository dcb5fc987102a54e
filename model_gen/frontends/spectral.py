"""The contract of a frontend that has a spectrum, from the options of a training run."""

from typing import TYPE_CHECKING, Any

from host.frontend_contract import FrontendContract
from model_gen.data.geometry import frontend_contract

if TYPE_CHECKING:
    from model_gen.training.options import TrainOptions


def spectral_contract(options: "TrainOptions", *, name: str, **more: Any) -> FrontendContract:
    """Geometry, compression and normalization as the options say.

    Args:
        options: of a training run.
        name: of the contract.
        more: other fields of the contract.

    Raises:
        BadInput: there is no such contract.
    """
    if options.normalization == "percentile":
        more |= {
            "percentile_low": options.percentile_low,
            "percentile_high": options.percentile_high,
        }
    return frontend_contract(
        name=name,
        sample_rate=options.sample_rate,
        chunk_duration=options.chunk_duration,
        fft_length=options.fft_length,
        spec_width=options.spec_width,
        compression=options.input_compression,
        log1p_gain=options.log1p_gain,
        window_dc=options.window_dc,
        normalization=options.normalization,
        norm_low=options.norm_low,
        **more,
    )
