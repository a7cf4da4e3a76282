"""Masters: a run's averaged weights in bf16, with all that is needed to go on training elsewhere.

A master is a checkpoint in the layout of export.py plus `training.json`: tokens seen, schedule, and for each sitting of the
run its seed, batch, rounding, the hash of its text and the master that it began with. `training.train --from-master` starts a run from it; `--attention` may then be another one (see the twins).
"""

import argparse
import hashlib
import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from .evaluate import load
from .export import NAMES, config, tensors
from .model import EMBED_SCALE, Denoiser

FOLDER = Path("training/masters")


def write_master(model: Denoiser, tokenizer: Path, training: dict[str, object], out: Path) -> None:
    """Writes the folder anew. `training` is what training.json says."""
    partial = out.with_name(out.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(tokenizer, partial)
    save_file(tensors(model), str(partial / "model.safetensors"), metadata={"format": "pt"})
    for name, content in (("config", config(model)), ("training", training)):
        (partial / f"{name}.json").write_text(json.dumps(content, indent=2) + "\n")
    shutil.rmtree(out, ignore_errors=True)
    partial.rename(out)


def read_master(folder: Path) -> tuple[dict[str, torch.Tensor], dict[str, object]]:
    """(weights by parameter name of the model, float32; training.json). The factor on the table is taken out again."""
    saved = {name: tensor.float() for name, tensor in load_file(str(folder / "model.safetensors")).items()}
    layers = json.loads((folder / "config.json").read_text())["num_hidden_layers"]
    weights = {ours: torch.stack([saved[f"model.layers.{layer}.{theirs}.weight"] for layer in range(layers)]) for ours, theirs in NAMES.items()}
    weights["embed"] = saved["model.embed_tokens.weight"] / EMBED_SCALE
    weights["final_norm"] = saved["model.norm.weight"] * EMBED_SCALE
    return weights, json.loads((folder / "training.json").read_text())


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def describe(run: Path, tokens: int) -> dict[str, object]:
    """What a successor needs to know about a run."""
    lines = lambda name: [json.loads(line) for line in (run / name).read_text().splitlines()]
    plan = run / "decay.json"
    return {
        "trainingTokens": tokens,
        "sittings": lines("sittings.jsonl"),
        "schedule": {"warmUpSteps": 50, "flat": not plan.exists(), "decay": json.loads(plan.read_text()) if plan.exists() else None},
        "optimiser": "Muon .02 on the matrices, AdamW 3e-3 on table and norms; momenta are not kept",
        "weights": "exponential average, bf16",
        "lastLog": (lines("loss.jsonl") or [None])[-1],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True, help="folder with tokenizer/")
    parser.add_argument("--name", required=True, help=f"folder under {FOLDER}")
    parser.add_argument("--out", type=Path, default=FOLDER)
    parser.add_argument("--raw", action="store_true", help="the weights themselves instead of their average")
    args = parser.parse_args()
    model, tokens = load(args.run, args.raw)
    args.out.mkdir(parents=True, exist_ok=True)
    write_master(model, args.data / "tokenizer", describe(args.run, tokens), args.out / args.name)
    print(f"{args.out / args.name}: {tokens} training tokens")


if __name__ == "__main__":
    main()
