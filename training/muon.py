"""Muon for stacks of matrices: momentum, then orthogonalisation by Newton-Schulz (Jordan et al. 2024)."""

import torch
from torch import Tensor


def orthogonalise(g: Tensor, steps: int = 5) -> Tensor:
    """Nearest semi-orthogonal matrices of a stack [N, rows, cols], approximately, in bf16."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = g.bfloat16()
    flip = x.shape[1] > x.shape[2]
    if flip:
        x = x.transpose(1, 2)
    x = x / (x.float().norm(dim=(1, 2), keepdim=True).bfloat16() + 1e-7)
    for _ in range(steps):
        s = x @ x.transpose(1, 2)
        x = a * x + (b * s + c * (s @ s)) @ x
    return x.transpose(1, 2) if flip else x


class Muon(torch.optim.Optimizer):
    def __init__(self, params: list[Tensor], lr: float = 0.02, momentum: float = 0.95, decay: float = 0.1) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "decay": decay})

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            for p in group["params"]:
                state = self.state[p]
                if "momentum" not in state:
                    state["momentum"] = torch.zeros_like(p)
                state["momentum"].lerp_(p.grad, 1 - group["momentum"])
                update = orthogonalise(torch.lerp(p.grad, state["momentum"], group["momentum"]))
                scale = max(1.0, p.shape[1] / p.shape[2]) ** 0.5
                p.mul_(1 - group["lr"] * group["decay"])
                p.add_(update.float(), alpha=-group["lr"] * scale)
