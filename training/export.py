"""Writes a run's averaged weights as a checkpoint in the layout of a Qwen3 dLLM (bf16 safetensors), with a golden forward.

The block-causal twin is written as an SDAR model (blocks on a grid from the first cell), the causal one as a plain Qwen3.

The factor on the embedding output folds into the tied table (times 32) and the final norm (divided by 32), both exact in bf16.
"""

import argparse
import json
import shutil
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from .evaluate import load
from .model import EMBED_SCALE, Denoiser, Shape
from .tokenizer import FIRST_SPECIAL, ID, SPECIALS

NAMES = {
    "q": "self_attn.q_proj", "k": "self_attn.k_proj", "v": "self_attn.v_proj", "o": "self_attn.o_proj", "gate": "mlp.gate_proj",
    "up": "mlp.up_proj", "down": "mlp.down_proj", "norm1": "input_layernorm", "norm2": "post_attention_layernorm",
    "q_norm": "self_attn.q_norm", "k_norm": "self_attn.k_norm",
}  # fmt: skip

# The fewest forwards without a loss on the tasks (docs/results/strategies.md). Of long texts, the surest cells of a wide block are those that
# repeat what is there: stories are drawn, in short blocks (docs/decisions.md).
RECIPES = {
    "default": {"preset": "localleap"},
    "story": {"preset": "localleap", "block": 4, "temperature": 0.7, "suppress": {"repeats": 4}},
    "chat": "story",
}


def tensors(model: Denoiser) -> dict[str, torch.Tensor]:
    out = {"model.embed_tokens.weight": model.embed * EMBED_SCALE, "model.norm.weight": model.final_norm / EMBED_SCALE}
    for ours, theirs in NAMES.items():
        for layer, weight in enumerate(getattr(model, ours).unbind(0)):
            out[f"model.layers.{layer}.{theirs}.weight"] = weight
    return {name: tensor.detach().bfloat16().contiguous() for name, tensor in out.items()}


def config(model: Denoiser) -> dict[str, object]:
    s = model.shape
    kind: dict[str, object] = {
        "full": {"architectures": ["A2DQwen3LMHeadModel"], "model_type": "a2d-qwen3"},
        "block-causal": {"architectures": ["SDARForCausalLM"], "model_type": "sdar", "block_size": s.block},
        "causal": {"architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3"},
    }[s.attention]
    return {
        **kind, "attention_bias": False, "attention_dropout": 0.0,
        "bos_token_id": ID["bos"], "eos_token_id": ID["eos"], "pad_token_id": ID["pad"], "mask_token_id": ID["mask"], "hidden_act": "silu",
        "hidden_size": s.hidden, "initializer_range": 0.02, "intermediate_size": s.inner, "head_dim": s.head,
        "max_position_embeddings": s.positions, "max_window_layers": s.layers, "num_attention_heads": s.heads, "num_hidden_layers": s.layers,
        "num_key_value_heads": s.heads, "rms_norm_eps": s.eps, "rope_scaling": None, "rope_theta": s.theta, "sliding_window": None,
        "tie_word_embeddings": True, "torch_dtype": "bfloat16", "use_cache": s.attention == "causal", "use_sliding_window": False, "vocab_size": s.vocab,
    }  # fmt: skip


def bundle_facts(attention: str, tokens: int) -> dict[str, object]:
    """What the converter cannot read off the weights: name, licence, prompt forms, ids that are never generated."""
    chat = [ID["user"]], [ID["end"], ID["assistant"]]
    never = [i for name, i in zip(SPECIALS, range(FIRST_SPECIAL, FIRST_SPECIAL + len(SPECIALS)), strict=True) if name not in ("<|eos|>", "<|pad|>")]
    return {
        "name": {"full": "unmask-s", "block-causal": "unmask-s-block", "causal": "unmask-s-ar"}[attention],
        "licence": "Apache-2.0",
        "source": f"trained from scratch by training/ ({tokens} tokens)",
        "suppress": never,
        "maxCanvas": 512,
        "modes": {
            "story": {"prefix": [ID["story"]], "suffix": []},
            "task": {"prefix": [ID["task"]], "suffix": [ID["work"]]},
            "chat": {"prefix": chat[0], "suffix": chat[1]},
            "plain": {"prefix": [], "suffix": []},
        },
        **({"recipes": RECIPES} if attention == "full" else {}),
    }


def frequency(data: Path) -> str:
    """Token frequencies of the training text, a byte a token: exp((byte - 255) / 16) up to a factor, 0 for unseen ones."""
    counts = np.bincount(np.load(data / "train.npz")["ids"], minlength=Shape().vocab).astype(float)
    counts[FIRST_SPECIAL:] = 0
    with np.errstate(divide="ignore"):
        steps = np.round(255 + 16 * np.log(counts / counts.max()))
    return np.where(counts > 0, np.clip(steps, 1, 255), 0).astype(np.uint8).tobytes().hex()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--data", type=Path, help="folder with train.npz: adds how common each token is")
    parser.add_argument("--raw", action="store_true")
    args = parser.parse_args()
    model, tokens = load(args.run, args.raw)
    partial = args.out.with_name(args.out.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(args.tokenizer, partial)
    save_file(tensors(model), str(partial / "model.safetensors"), metadata={"format": "pt"})
    write = lambda name, content: (partial / name).write_text(json.dumps(content, indent=2) + "\n")
    write("config.json", config(model))
    write("generation_config.json", {"eos_token_id": ID["eos"], "pad_token_id": ID["pad"]})
    facts = bundle_facts(model.shape.attention, tokens)
    write("unmask.bundle.json", {**facts, "frequency": frequency(args.data)} if args.data else facts)
    ids = torch.tensor([[ID["story"], *range(40, 60), *[ID["mask"]] * 11]])
    # In float32 on the rounded weights: what an exact runtime must give.
    model.compute = torch.float32
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(weight.bfloat16())
        logits = model.logits(ids, torch.tensor([0, 5, 21, 31]))
    write("golden_forward.json", {"ids": ids[0].tolist(), "rows": [0, 5, 21, 31], "logits": np.round(logits.numpy().astype(float), 4).tolist()})
    shutil.rmtree(args.out, ignore_errors=True)
    partial.rename(args.out)
    print(f"{args.out}: {tokens} training tokens")


if __name__ == "__main__":
    main()
