"""How far the chunks of a stream are apart."""

from host.errors import BadInput


def nearest_stride(chunk: int, hop: int, overlap: float) -> int:
    """Samples from chunk to chunk, a multiple of the hop: as near to that share of overlap as a stream can come.

    Raises:
        BadInput: a chunk is shorter than a hop.
    """
    most = chunk // hop
    if most == 0:
        raise BadInput(
            "a stream goes on by whole hops, and a chunk of this contract is shorter than one",
            evidence=f"Received: a chunk of {chunk} samples, a hop of {hop}",
            next_step="leave --stream or --application away",
        )
    return hop * min(most, max(1, round(chunk * (1.0 - overlap) / hop)))
