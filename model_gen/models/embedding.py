"""What a network makes of sound before its head: its embedding."""

from typing import Any

HEAD = "logits"  # the layer


def embedding_of(model: Any) -> Any:
    """The tensor [batch, E] that the head takes, without its dropout."""
    tensor = model.get_layer(HEAD).input
    dropped = [layer for layer in model.layers if layer.name == "dropout"]
    return dropped[0].input if dropped else tensor
