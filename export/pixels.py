"""Between pixels as they travel and numbers as networks take them."""

from torch import Tensor


def to_unit(picture: Tensor) -> Tensor:
    """Maps uint8 pictures [B, H, W, 3] to float32 [B, 3, H, W] in 0..1."""
    return picture.permute(0, 3, 1, 2).float() / 255


def from_unit(numbers: Tensor) -> Tensor:
    """Maps float32 [B, 3, H, W] in 0..1 to uint8 pictures [B, H, W, 3], rounded to the nearest."""
    levels = (numbers * 255).round().clamp(0, 255)
    return levels.permute(0, 2, 3, 1).byte()
