"""Trains the byte-level BPE tokenizer (4096 ids) and writes it in the Hugging Face layout."""

import json
from collections.abc import Iterable
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

VOCAB = 4096
NAMED = ["mask", "eos", "pad", "bos", "user", "assistant", "end", "story", "task", "work"]
SPECIALS = [f"<|{name}|>" for name in NAMED] + [f"<|reserved{i}|>" for i in range(22)]
FIRST_SPECIAL = VOCAB - len(SPECIALS)
ID = {name: FIRST_SPECIAL + i for i, name in enumerate(NAMED)}

# Words and single digits with their leading space, runs of punctuation, newlines alone.
PATTERN = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}| ?[^\s\p{L}\p{N}]+|\n|[^\S\n]+"


def train(texts: Iterable[str]) -> Tokenizer:
    """Learns the merges. The special tokens get the last 32 ids, so ids below FIRST_SPECIAL are plain text."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(PATTERN), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=FIRST_SPECIAL,
        min_frequency=20,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    if tokenizer.get_vocab_size() != FIRST_SPECIAL:
        raise ValueError(f"too little text: {tokenizer.get_vocab_size()} of {FIRST_SPECIAL} ids learned")
    tokenizer.add_special_tokens(SPECIALS)
    return tokenizer


def sentence_ends(tokenizer: Tokenizer) -> list[int]:
    """Ids with a full stop, a question mark or an exclamation mark in them, with a closing quotation mark or without."""
    return sorted(id for token, id in tokenizer.get_vocab().items() if id < FIRST_SPECIAL and set(token) & set(".!?"))


def line_breaks(tokenizer: Tokenizer) -> list[int]:
    return tokenizer.encode("\n").ids


def save(tokenizer: Tokenizer, folder: Path) -> None:
    """Writes tokenizer.json, tokenizer_config.json, special_tokens_map.json and added_tokens.json."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    roles = {"mask_token": "<|mask|>", "eos_token": "<|eos|>", "pad_token": "<|pad|>", "bos_token": "<|bos|>"}
    added = {name: FIRST_SPECIAL + i for i, name in enumerate(SPECIALS)}
    config = {
        "added_tokens_decoder": {
            str(i): {"content": name, "lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True}
            for name, i in added.items()
        },
        "additional_special_tokens": [name for name in SPECIALS if name not in roles.values()],
        "clean_up_tokenization_spaces": False,
        "model_max_length": 512,
        "tokenizer_class": "PreTrainedTokenizerFast",
        **roles,
    }
    for name, content in [("tokenizer_config", config), ("special_tokens_map", roles), ("added_tokens", added)]:
        (folder / f"{name}.json").write_text(json.dumps(content, indent=2) + "\n")
