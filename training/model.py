"""The denoiser: a bidirectional Qwen3-style transformer (RMSNorm, QK-norm, RoPE, SwiGLU, tied table), no time input."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True)
class Shape:
    """Tier S. All widths are multiples of 32, the block of the 4-bit weights."""

    vocab: int = 4096
    hidden: int = 320
    layers: int = 7
    heads: int = 5
    head: int = 64
    inner: int = 864
    theta: float = 10_000.0
    eps: float = 1e-6
    positions: int = 512


# The table is stored 32 times smaller than what the body reads; export folds the factor into table and final norm.
EMBED_SCALE = 32.0


def rotary(shape: Shape) -> tuple[Tensor, Tensor]:
    """cos and sin, each [positions, head/2], for rotate-half RoPE."""
    inverse = shape.theta ** (-torch.arange(0, shape.head, 2).float() / shape.head)
    angles = torch.arange(shape.positions).float()[:, None] * inverse
    return angles.cos(), angles.sin()


def norm(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    return F.rms_norm(x, (x.shape[-1],), weight.to(x.dtype), eps)


class Denoiser(nn.Module):
    """Weights are stacked over layers, so that the optimiser orthogonalises all matrices of one shape at once.

    `compute` is the type of the matrix products; norms, softmax and the residual stream are float32 in any case.
    """

    def __init__(self, shape: Shape, compute: torch.dtype = torch.bfloat16) -> None:
        super().__init__()
        self.shape, self.compute = shape, compute
        n, d, f, a = shape.layers, shape.hidden, shape.inner, shape.heads * shape.head
        self.embed = nn.Parameter(torch.randn(shape.vocab, d) / EMBED_SCALE)
        matrix = lambda rows, cols: nn.Parameter(torch.randn(n, rows, cols) / cols**0.5)
        self.q, self.k, self.v = matrix(a, d), matrix(a, d), matrix(a, d)
        self.gate, self.up = matrix(f, d), matrix(f, d)
        self.o = nn.Parameter(torch.zeros(n, d, a))
        self.down = nn.Parameter(torch.zeros(n, d, f))
        self.norm1, self.norm2 = nn.Parameter(torch.ones(n, d)), nn.Parameter(torch.ones(n, d))
        self.q_norm, self.k_norm = nn.Parameter(torch.ones(n, shape.head)), nn.Parameter(torch.ones(n, shape.head))
        self.final_norm = nn.Parameter(torch.ones(d))
        cos, sin = rotary(shape)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)

    def body(self, ids: Tensor) -> Tensor:
        """Hidden states [B, T, hidden] after the final norm for ids [B, T]."""
        s, dtype = self.shape, self.compute
        batch, length = ids.shape
        cos, sin = self.cos[:length], self.sin[:length]
        x = F.embedding(ids, self.embed).float() * EMBED_SCALE
        layers = zip(*(w.unbind(0) for w in (self.q, self.k, self.v, self.o, self.gate, self.up, self.down, self.norm1, self.norm2, self.q_norm, self.k_norm)), strict=True)

        def turn(t: Tensor) -> Tensor:
            a, b = t.chunk(2, -1)
            return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)

        def split(t: Tensor) -> Tensor:
            return t.view(batch, length, s.heads, s.head).transpose(1, 2)

        for q, k, v, o, gate, up, down, norm1, norm2, q_norm, k_norm in layers:
            h = norm(x, norm1, s.eps).to(dtype)
            hq = turn(norm(split(h @ q.to(dtype).T).float(), q_norm, s.eps)).to(dtype)
            hk = turn(norm(split(h @ k.to(dtype).T).float(), k_norm, s.eps)).to(dtype)
            hv = split(h @ v.to(dtype).T)
            # Written out: the fused attention's backward pass is several times slower on a CPU.
            weights = ((hq @ hk.transpose(-1, -2)).float() * s.head**-0.5).softmax(-1).to(dtype)
            mixed = (weights @ hv).transpose(1, 2).reshape(batch, length, s.heads * s.head)
            x = x + (mixed @ o.to(dtype).T).float()
            h = norm(x, norm2, s.eps).to(dtype)
            x = x + ((F.silu(h @ gate.to(dtype).T) * (h @ up.to(dtype).T)) @ down.to(dtype).T).float()
        return norm(x, self.final_norm, s.eps)

    def logits(self, ids: Tensor, flat: Tensor) -> Tensor:
        """Logits [K, vocab] (float32) of the flat positions `flat` [K] into ids [B, T]."""
        hidden = self.body(ids).reshape(-1, self.shape.hidden)[flat].to(self.compute)
        return (hidden @ self.embed.to(self.compute).T).float()
