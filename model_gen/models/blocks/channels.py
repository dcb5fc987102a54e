"""How many channels a layer has."""


def make_divisible(value: float, divisor: int = 8) -> int:
    """The multiple of `divisor` nearest to `value`, at least `divisor`: max(8, floor((v + 4) / 8) * 8)."""
    return max(divisor, int(value + divisor / 2) // divisor * divisor)


def squeezed(channels: int, reduction: int) -> int:
    """Channels in the middle of squeeze and excitation: floor(channels / reduction), at least 1."""
    return max(1, channels // reduction)
