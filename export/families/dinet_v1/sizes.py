"""Sizes that all checkpoints of HeyGem's generator have."""

SIDE = 256
"""Of its pictures, in pixels."""

AUDIO_WIDTH = 256
"""Of its speech features."""
