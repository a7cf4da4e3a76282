"""The denoiser: a Qwen3-style transformer (RMSNorm, QK-norm, RoPE, SwiGLU, tied table) without a time input.

It is bidirectional; its two twins see less: `block-causal` the own block and those before it, `causal` the cells before.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .quantise import BODY_BITS, TABLE_BITS, scales_of, straight_through


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
    # "full", "block-causal" (blocks of `block` cells, counted from the first cell) or "causal".
    attention: str = "full"
    block: int = 0


MATRICES = ["up", "gate", "q", "down", "v", "k", "o"]
# The table is stored 32 times smaller than what the body reads; export folds the factor into table and final norm.
EMBED_SCALE = 32.0


def rotary(shape: Shape) -> tuple[Tensor, Tensor]:
    """cos and sin, each [positions, head/2], for rotate-half RoPE."""
    inverse = shape.theta ** (-torch.arange(0, shape.head, 2).float() / shape.head)
    angles = torch.arange(shape.positions).float()[:, None] * inverse
    return angles.cos(), angles.sin()


def hidden_cells(shape: Shape) -> Tensor | None:
    """What is added to attention scores, [positions, positions]: minus infinity where a cell (row) may not look."""
    if shape.attention == "full":
        return None
    block = torch.arange(shape.positions) // (shape.block if shape.attention == "block-causal" else 1)
    return torch.zeros(shape.positions, shape.positions).masked_fill_(block[None] > block[:, None], -torch.inf)


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
        self.register_buffer("bias", hidden_cells(shape), persistent=False)
        # Block scales by the name of a weight; where there are any, the forward pass uses the quantised weight.
        self.scales: dict[str, Tensor] = {}

    def quantise(self, names: list[str]) -> None:
        """Computes the block scales of some weights (matrices or "embed") anew; from then on they are quantised."""
        for name in names:
            new = scales_of(*self.as_shipped(name))
            if name in self.scales:
                self.scales[name].copy_(new)
            else:
                self.scales[name] = new.share_memory_()

    def as_shipped(self, name: str) -> tuple[Tensor, int]:
        """A weight in the scale of the checkpoint, and its bits."""
        return (self.embed * EMBED_SCALE, TABLE_BITS) if name == "embed" else (getattr(self, name), BODY_BITS)

    def weight(self, name: str) -> Tensor:
        """A weight as the forward pass uses it; the table in the scale of the checkpoint."""
        shipped, bits = self.as_shipped(name)
        scales = self.scales.get(name)
        return shipped if scales is None else straight_through(shipped, scales, bits)

    def body(self, ids: Tensor, place: Tensor | None = None, sees: Tensor | None = None) -> Tensor:
        """Hidden states [B, T, hidden] after the final norm for ids [B, T].

        Doubled rows (doubled.py) say where each cell stands, `place` [B, T], and which cells it looks at, `sees` [B, T, T].
        """
        s, dtype = self.shape, self.compute
        batch, length = ids.shape
        cos, sin = (table[:length] if place is None else table[place][:, None] for table in (self.cos, self.sin))
        x = F.embedding(ids, self.weight("embed"))
        bias = None if self.bias is None else self.bias[:length, :length]
        if sees is not None:
            bias = torch.zeros(sees.shape).masked_fill_(~sees, -torch.inf)[:, None]
        matrices = [self.weight(name) for name in ("q", "k", "v", "o", "gate", "up", "down")]
        layers = zip(*(w.unbind(0) for w in (*matrices, self.norm1, self.norm2, self.q_norm, self.k_norm)), strict=True)

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
            scores = (hq @ hk.transpose(-1, -2)).float() * s.head**-0.5
            scores = scores if bias is None else scores + bias
            mixed = (scores.softmax(-1).to(dtype) @ hv).transpose(1, 2).reshape(batch, length, s.heads * s.head)
            x = x + (mixed @ o.to(dtype).T).float()
            h = norm(x, norm2, s.eps).to(dtype)
            x = x + ((F.silu(h @ gate.to(dtype).T) * (h @ up.to(dtype).T)) @ down.to(dtype).T).float()
        return norm(x, self.final_norm, s.eps)

    def logits(self, ids: Tensor, flat: Tensor, place: Tensor | None = None, sees: Tensor | None = None) -> Tensor:
        """Logits [K, vocab] (float32) of the flat positions `flat` [K] into ids [B, T]; the rest as for `body`."""
        hidden = self.body(ids, place, sees).reshape(-1, self.shape.hidden)[flat].to(self.compute)
        # Back to the stored scale: a power of two, so nothing is rounded.
        return (hidden @ (self.weight("embed") / EMBED_SCALE).to(self.compute).T).float()
