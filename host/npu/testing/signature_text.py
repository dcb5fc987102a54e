"""The functions of an epoch."""

from collections.abc import Iterator

from host.npu.testing.dialect import Dialect


def signature(name: str, dialect: Dialect) -> Iterator[str]:
    """The head of a function that the runtime calls at the start or the end of an epoch."""
    if dialect.instance:
        block = "const LL_ATON_RT_EpochBlockItem_t *epoch_block"
        yield f"static void {name}({block}, const NN_Instance_TypeDef *nn_instance)"
    else:
        yield f"static void {name}(const void *epoch_block)"
    yield "{"
    yield "  LL_ATON_LIB_UNUSED(epoch_block);"
    if dialect.instance:
        yield "  LL_ATON_LIB_UNUSED(nn_instance);"
