"""WeNet's Conformer encoder: log mel frames to features, a quarter as many.

Modules are named as in the state dict. Sources: A. Gulati et al., "Conformer: Convolution-augmented
Transformer for Speech Recognition", Interspeech 2020; for the attention Z. Dai et al.,
"Transformer-XL", ACL 2019, without its relative shift, which WeNet leaves out: positions are those
of the keys, counted from the first frame.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from export.families.wenet.layout import Layout

_CONV_NORM_EPS = 1e-5  # in all versions, unlike that of the other norms


class Conformer(nn.Module):
    """An encoder for a fixed number of frames, each attending to all."""

    def __init__(self, layout: Layout, *, norm_eps: float, is_causal: bool, frames: int) -> None:
        """Makes an encoder without weights.

        Args:
            layout: Its size.
            norm_eps: Epsilon of LayerNorm.
            is_causal: Whether the convolutions look back only.
            frames: Number of features that it gives.
        """
        super().__init__()
        self.embed = Subsampling(layout)
        self.encoders = nn.ModuleList(
            Block(layout, norm_eps, is_causal) for _ in range(layout.blocks)
        )
        self.after_norm = nn.LayerNorm(layout.width, eps=norm_eps)
        table = positions(frames, layout.width)
        self.register_buffer("positions", table, persistent=False)

    def forward(self, feats: Tensor) -> Tensor:
        """Computes features.

        Args:
            feats: Log mel frames [B, T, bands], float32; T such that
                ((T - 1) // 2 - 1) // 2 == frames.

        Returns:
            [B, frames, width] float32. Feature p is that of the mel frames 4p to 4p + 6.
        """
        hidden = self.embed(feats)
        for block in self.encoders:
            hidden = block(hidden, self.positions)
        features: Tensor = self.after_norm(hidden)
        return features


class Subsampling(nn.Module):
    """Two convolutions of stride 2 in time and frequency, and a projection."""

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        width = layout.width
        self.scale = math.sqrt(width)
        self.conv = nn.Sequential(
            nn.Conv2d(1, width, 3, 2), nn.ReLU(), nn.Conv2d(width, width, 3, 2), nn.ReLU()
        )
        self.out = nn.Sequential(nn.Linear(width * layout.mel_columns, width))

    def forward(self, feats: Tensor) -> Tensor:
        """Projects [B, T, bands] to [B, T', width]; channels are major, bands minor."""
        planes = self.conv(feats.unsqueeze(1))
        projected: Tensor = self.out(planes.transpose(1, 2).flatten(2))
        return projected * self.scale


class Block(nn.Module):
    """One Conformer block: half a feed-forward, attention, convolution, half a feed-forward."""

    def __init__(self, layout: Layout, norm_eps: float, is_causal: bool) -> None:
        super().__init__()
        self.feed_forward_macaron = FeedForward(layout)
        self.self_attn = Attention(layout)
        self.conv_module = Convolution(layout, is_causal)
        self.feed_forward = FeedForward(layout)
        self.norm_ff_macaron = nn.LayerNorm(layout.width, eps=norm_eps)
        self.norm_mha = nn.LayerNorm(layout.width, eps=norm_eps)
        self.norm_conv = nn.LayerNorm(layout.width, eps=norm_eps)
        self.norm_ff = nn.LayerNorm(layout.width, eps=norm_eps)
        self.norm_final = nn.LayerNorm(layout.width, eps=norm_eps)

    def forward(self, x: Tensor, table: Tensor) -> Tensor:
        """Computes [B, T, width] from the same and the table of positions."""
        x = x + 0.5 * self.feed_forward_macaron(self.norm_ff_macaron(x))
        x = x + self.self_attn(self.norm_mha(x), table)
        x = x + self.conv_module(self.norm_conv(x))
        x = x + 0.5 * self.feed_forward(self.norm_ff(x))
        normed: Tensor = self.norm_final(x)
        return normed


class FeedForward(nn.Module):
    """Two linear layers with a swish between."""

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        self.w_1 = nn.Linear(layout.width, layout.hidden)
        self.w_2 = nn.Linear(layout.hidden, layout.width)

    def forward(self, x: Tensor) -> Tensor:
        """Computes [B, T, width] from the same."""
        hidden = self.w_1(x)
        projected: Tensor = self.w_2(hidden * torch.sigmoid(hidden))
        return projected


class Attention(nn.Module):
    """Attention by content and by position of the keys."""

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        width = self.width = layout.width
        self.heads = layout.heads
        self.scale = 1 / math.sqrt(width // layout.heads)
        self.linear_q, self.linear_k = nn.Linear(width, width), nn.Linear(width, width)
        self.linear_v, self.linear_out = nn.Linear(width, width), nn.Linear(width, width)
        self.linear_pos = nn.Linear(width, width, bias=False)
        shape = (layout.heads, width // layout.heads)
        self.pos_bias_u, self.pos_bias_v = (nn.Parameter(torch.zeros(shape)) for _ in "uv")

    def forward(self, x: Tensor, table: Tensor) -> Tensor:
        """Computes [B, T, width] from the same and the table of positions [T, width]."""
        frames = int(table.shape[0])  # a number in the graph, where only the batch is open
        query = self._split(self.linear_q(x), frames)
        key = self._split(self.linear_k(x), frames)
        value = self._split(self.linear_v(x), frames)
        position = self._split(self.linear_pos(table), frames)
        u, v = self.pos_bias_u.unsqueeze(1), self.pos_bias_v.unsqueeze(1)
        content = (query + u) @ key.transpose(2, 3)
        scores = (content + (query + v) @ position.transpose(2, 3)) * self.scale
        mixed = (torch.softmax(scores, dim=-1) @ value).transpose(1, 2)
        projected: Tensor = self.linear_out(mixed.reshape(-1, frames, self.width))
        return projected

    def _split(self, x: Tensor, frames: int) -> Tensor:
        """Splits [B, T, width] into heads [B, heads, T, width / heads]."""
        split = x.reshape(-1, frames, self.heads, self.width // self.heads)
        return split.transpose(1, 2)


class Convolution(nn.Module):
    """A gate, a convolution of each channel over time, a norm, a swish and a projection."""

    def __init__(self, layout: Layout, is_causal: bool) -> None:
        super().__init__()
        width, kernel = layout.width, layout.kernel
        self.past = kernel - 1 if is_causal else 0
        padding = 0 if is_causal else kernel // 2
        self.pointwise_conv1 = nn.Conv1d(width, 2 * width, 1)
        self.depthwise_conv = nn.Conv1d(width, width, kernel, padding=padding, groups=width)
        self.norm: nn.Module = (
            nn.BatchNorm1d(width, eps=_CONV_NORM_EPS)
            if layout.has_batch_norm
            else ChannelNorm(width, eps=_CONV_NORM_EPS)
        )
        self.pointwise_conv2 = nn.Conv1d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Computes [B, T, width] from the same."""
        channels = x.transpose(1, 2)
        if self.past:  # before the gate, whose biases the convolution then sees there
            channels = F.pad(channels, (self.past, 0))
        gated = F.glu(self.pointwise_conv1(channels), dim=1)
        normed = self.norm(self.depthwise_conv(gated))
        projected: Tensor = self.pointwise_conv2(normed * torch.sigmoid(normed))
        return projected.transpose(1, 2)


class ChannelNorm(nn.LayerNorm):
    """LayerNorm over the channels of [B, channels, T]."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalises each frame."""
        return super().forward(x.transpose(1, 2)).transpose(1, 2)


def positions(frames: int, width: int) -> Tensor:
    """Makes the table of positions [frames, width]: sine in even columns, cosine in odd ones."""
    rates = torch.exp(torch.arange(0, width, 2) * -(math.log(10_000.0) / width))
    phases = torch.arange(frames)[:, None] * rates
    return torch.stack([torch.sin(phases), torch.cos(phases)], dim=2).flatten(1)
