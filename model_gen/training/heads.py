"""Which losses go with which head: a probability a class, or one over all classes."""

# Activation -> losses that are made for its logits. The first is what `auto` means.
HEADS = {"sigmoid": ("bce", "focal"), "softmax": ("cce",)}
LOSS_NAMES = ("auto", *(name for names in HEADS.values() for name in names))
