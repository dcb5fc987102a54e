"""Which of Keras's layers are taken: docs/keras-layers.md says it, and is right."""

from host.installed import FIRMWARE
from model_gen.codegen.testing.keras_layers import converted, page, rows

PAGE = FIRMWARE.parent / "docs" / "keras-layers.md"


def test_page_of_keras_layers_is_right() -> None:
    found = rows(converted())
    text = page(found)
    print(text)
    assert text == PAGE.read_text(), "python -m model_gen.codegen.testing.keras_layers prints it"
    taken = [row.layer for row in found if not any(row.refused)]
    assert {"Conv2DTranspose", "MultiHeadAttention", "LayerNormalization"} <= set(taken)
