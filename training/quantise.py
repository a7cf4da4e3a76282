"""Fake quantisation, as src/convert/quantize.ts does it for the shipped bundle: symmetric blocks of 32 along the columns,
f16 scales; 4 bits with a search over 24 clip ratios for the body, 8 bits from the largest element for the token table.
"""

import torch
from torch import Tensor

BLOCK = 32
BODY_BITS, TABLE_BITS = 4, 8
CLIP_RATIOS = [0.6 + 0.5 * i / 23 for i in range(24)]
MAX_HALF = 65504.0
# Blocks searched at a time, few enough for a core's cache.
CHUNK = 1024


def _blocks(w: Tensor) -> Tensor:
    """[..., k] as float32 [..., k / 32, 32] after rounding to bf16, the type of an exported checkpoint."""
    return w.detach().bfloat16().float().unflatten(-1, (-1, BLOCK))


def _search(x: Tensor, base: Tensor) -> Tensor:
    """Scales [N] of least squared error for 4 bits: the best of the clip ratios of `base` [N], each with its own least-squares scale."""
    gain, best = torch.full_like(base, -torch.inf), base.clone()
    for ratio in CLIP_RATIOS:
        q = (x * (1 / (base * ratio))[:, None]).round_().clamp_(-8, 7)
        wq, qq = (x * q).sum(-1), q.square_().sum(-1)
        new = wq * wq / qq
        # An empty block compares as false, being nan.
        better = (wq > 0) & (new > gain)
        gain, best = torch.where(better, new, gain), torch.where(better, wq / qq, best)
    return best


@torch.no_grad()
def scales_of(w: Tensor, bits: int) -> Tensor:
    """Block scales [..., k / 32] in float32 that f16 holds exactly. The search is in float64 as in the converter."""
    x = _blocks(w)
    base = 2 * x.abs().amax(-1) / (2**bits - 1)
    best = base
    if bits == 4:
        parts = zip(x.view(-1, BLOCK).split(CHUNK), base.view(-1).split(CHUNK), strict=True)
        best = torch.cat([_search(part.double(), start.double()) for part, start in parts]).view(base.shape)
    half = best.float().clamp(max=MAX_HALF).half().float()
    return torch.where(half == 0, 1.0, half)


def rounded(w: Tensor, scales: Tensor, bits: int) -> Tensor:
    """The values [..., k] that the bundle stands for, given the block scales."""
    codes = (_blocks(w) / scales[..., None]).round().clamp(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return (codes * scales[..., None]).flatten(-2)


def straight_through(w: Tensor, scales: Tensor, bits: int) -> Tensor:
    """`rounded` in the forward pass, the identity in the backward pass."""
    return w + (rounded(w, scales, bits) - w).detach()
