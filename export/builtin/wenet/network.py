"""The WeNet Conformer encoder, in the module structure and names of its published checkpoints.

Sources: A. Gulati et al., "Conformer: Convolution-augmented Transformer for Speech
Recognition", Interspeech 2020; B. Zhang et al., "WeNet 2.0", Interspeech 2022. As in WeNet,
position scores are not shifted: key j is scored with the sinusoid of position j. With a `span`
they are, as in Z. Dai et al., "Transformer-XL", ACL 2019, and only keys as near as that are seen;
then what the encoder says does not depend on where in a window something is said.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Size:
    """Numbers that make a Conformer small or large."""

    width: int = 128
    heads: int = 4
    feed_forward: int = 512
    kernel: int = 15
    blocks: int = 5
    mel_bins: int = 80
    embed_channels: int = 64
    span: int | None = 12  # of attention to each side; None is everywhere
    norm_eps: float = 1e-5
    dropout: float = 0.1


FULL = Size(
    width=256,
    feed_forward=2048,
    blocks=12,
    embed_channels=256,
    span=None,
    norm_eps=1e-12,
)
_UNSEEN = -1e4  # a score whose softmax is nothing


def sinusoids(positions: int, width: int) -> Tensor:
    """Tabulate absolute positions [positions, width]: even columns sine, odd ones cosine."""
    rates = torch.exp(torch.arange(0, width, 2) * (-math.log(10_000) / width))
    angles = torch.arange(positions).unsqueeze(1) * rates
    return torch.stack([torch.sin(angles), torch.cos(angles)], dim=2).flatten(1)


class GlobalCmvn(nn.Module):
    """Normalise each mel bin by a stored mean and inverse standard deviation."""

    mean: Tensor
    istd: Tensor

    def __init__(self, bins: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(bins))
        self.register_buffer("istd", torch.ones(bins))

    def forward(self, mel: Tensor) -> Tensor:
        """Normalise [B, T, bins]."""
        return (mel - self.mean) * self.istd


class Conv2dSubsampling4(nn.Module):
    """Mel frames [B, T, bins] to a quarter as many vectors [B, T', width]."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        channels = size.embed_channels
        self.conv = nn.Sequential(
            nn.Conv2d(1, channels, 3, 2), nn.ReLU(), nn.Conv2d(channels, channels, 3, 2), nn.ReLU()
        )
        bands = ((size.mel_bins - 1) // 2 - 1) // 2
        self.out = nn.Sequential(nn.Linear(channels * bands, size.width))
        self.scale = math.sqrt(size.width)

    def forward(self, mel: Tensor) -> Tensor:
        """Subsample; channels are the major, frequency the minor order of the linear layer."""
        maps = self.conv(mel.unsqueeze(1))
        embedded: Tensor = self.out(maps.transpose(1, 2).flatten(2))
        return embedded * self.scale


class RelPositionMultiHeadedAttention(nn.Module):
    """Self-attention whose scores add a content and a position part."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.heads, self.depth, self.span = size.heads, size.width // size.heads, size.span
        self.linear_q = nn.Linear(size.width, size.width)
        self.linear_k = nn.Linear(size.width, size.width)
        self.linear_v = nn.Linear(size.width, size.width)
        self.linear_out = nn.Linear(size.width, size.width)
        self.linear_pos = nn.Linear(size.width, size.width, bias=False)
        self.pos_bias_u = nn.Parameter(torch.zeros(self.heads, self.depth))
        self.pos_bias_v = nn.Parameter(torch.zeros(self.heads, self.depth))
        nn.init.xavier_uniform_(self.pos_bias_u)
        nn.init.xavier_uniform_(self.pos_bias_v)

    def forward(self, x: Tensor, positions: Tensor) -> Tensor:
        """Attend within [B, T, width], with positions [1, T or 2 · span + 1, width]."""
        query = self._split(self.linear_q(x))
        key = self._split(self.linear_k(x)).transpose(1, 2)
        place = self._split(self.linear_pos(positions)).transpose(1, 2)
        content = (query + self.pos_bias_u).transpose(1, 2) @ key.transpose(2, 3)
        position = (query + self.pos_bias_v).transpose(1, 2) @ place.transpose(2, 3)
        if self.span is not None:
            position = banded(position, self.span)
        weights = torch.softmax((content + position) / math.sqrt(self.depth), dim=-1)
        heads = weights @ self._split(self.linear_v(x)).transpose(1, 2)
        out: Tensor = self.linear_out(heads.transpose(1, 2).flatten(2))
        return out

    def _split(self, x: Tensor) -> Tensor:
        return x.reshape(*x.shape[:2], self.heads, self.depth)


def banded(scores: Tensor, span: int) -> Tensor:
    """Lay scores of distances [B, H, T, 2 · span + 1] along the diagonal of [B, H, T, T].

    Each row is padded to one more than the result is wide with it, so that in the flattened rows
    every next one begins one place later.
    """
    length = scores.shape[2]
    padded = nn.functional.pad(scores, (0, length), value=_UNSEEN)
    shifted = padded.flatten(2)[..., : length * (length + 2 * span)]
    return shifted.unflatten(2, (length, length + 2 * span))[..., span : span + length]


class ConvolutionModule(nn.Module):
    """Gated pointwise, depthwise and pointwise convolution along time, not causal."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        width, kernel = size.width, size.kernel
        self.pointwise_conv1 = nn.Conv1d(width, 2 * width, 1)
        self.depthwise_conv = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width)
        self.norm = nn.BatchNorm1d(width)
        self.pointwise_conv2 = nn.Conv1d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve [B, T, width]."""
        gated = nn.functional.glu(self.pointwise_conv1(x.transpose(1, 2)), dim=1)
        activated = nn.functional.silu(self.norm(self.depthwise_conv(gated)))
        out: Tensor = self.pointwise_conv2(activated).transpose(1, 2)
        return out


class PositionwiseFeedForward(nn.Module):
    """Two linear layers with a swish between them."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.w_1 = nn.Linear(size.width, size.feed_forward)
        self.w_2 = nn.Linear(size.feed_forward, size.width)
        self.dropout = nn.Dropout(size.dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Transform [B, T, width]."""
        out: Tensor = self.w_2(self.dropout(nn.functional.silu(self.w_1(x))))
        return out


class ConformerEncoderLayer(nn.Module):
    """Half a feed-forward, attention, convolution, half a feed-forward; each on a norm."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.self_attn = RelPositionMultiHeadedAttention(size)
        self.feed_forward = PositionwiseFeedForward(size)
        self.feed_forward_macaron = PositionwiseFeedForward(size)
        self.conv_module = ConvolutionModule(size)
        self.norm_ff = nn.LayerNorm(size.width, eps=size.norm_eps)
        self.norm_mha = nn.LayerNorm(size.width, eps=size.norm_eps)
        self.norm_ff_macaron = nn.LayerNorm(size.width, eps=size.norm_eps)
        self.norm_conv = nn.LayerNorm(size.width, eps=size.norm_eps)
        self.norm_final = nn.LayerNorm(size.width, eps=size.norm_eps)
        self.dropout = nn.Dropout(size.dropout)

    def forward(self, x: Tensor, positions: Tensor) -> Tensor:
        """Transform [B, T, width], with positions as the attention takes them."""
        x = x + 0.5 * self.dropout(self.feed_forward_macaron(self.norm_ff_macaron(x)))
        x = x + self.dropout(self.self_attn(self.norm_mha(x), positions))
        x = x + self.dropout(self.conv_module(self.norm_conv(x)))
        x = x + 0.5 * self.dropout(self.feed_forward(self.norm_ff(x)))
        out: Tensor = self.norm_final(x)
        return out


class ConformerEncoder(nn.Module):
    """Log mel frames [B, T, bins] to bottleneck features [B, T', width], full context."""

    positions: Tensor

    def __init__(self, size: Size, max_positions: int) -> None:
        super().__init__()
        self.global_cmvn = GlobalCmvn(size.mel_bins)
        self.embed = Conv2dSubsampling4(size)
        self.encoders = nn.ModuleList(ConformerEncoderLayer(size) for _ in range(size.blocks))
        self.after_norm = nn.LayerNorm(size.width, eps=size.norm_eps)
        self.span = size.span
        places = max_positions if size.span is None else 2 * size.span + 1
        table = sinusoids(places, size.width).unsqueeze(0)
        self.register_buffer("positions", table, persistent=False)

    def forward(self, mel: Tensor) -> Tensor:
        """Encode at most `max_positions` outputs: T' = ((T - 1) // 2 - 1) // 2."""
        x = self.embed(self.global_cmvn(mel))
        positions = self.positions if self.span else self.positions[:, : x.shape[1]]
        for layer in self.encoders:
            x = layer(x, positions)
        out: Tensor = self.after_norm(x)
        return out
