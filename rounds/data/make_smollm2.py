"""Makes smollm2.npz and smollm2.json: what the pages show of the real model.

    python rounds/data/make_smollm2.py

Needs `make models`. A second run on the same machine gives the same bytes; another
machine may round a number the other way. `rounds.extracts` reads the two files.
"""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np

from rounds import models
from rounds.models import files

HERE = Path(__file__).parent
STEPS = 256  # logits are kept as whole multiples of 1/256, in 16 bits
SEPARATOR = b"\xff"  # a byte that no token has, since no UTF-8 text has it

PROMPTS = {
    "sure": "The capital of France is",
    "torn": "Once upon a time, there was a little",
    "open": "My favourite food is",
    "loop": "We walked and walked and walked and walked and",
}

# Dickens, A Tale of Two Cities, 1859. Each word is one token with the space before it,
# which the first "it" has too, so that all three are the same token.
SENTENCE = (
    " it was the best of times it was the worst of times it was the age of wisdom"
)
# Random tokens, said twice: what a head does there it does whatever the words mean.
N_TRIALS, N_RANDOM = 6, 25

# What a head may do, as a mask of the weights that would do it: (T, T) bool.
Pattern = Callable[[np.ndarray], np.ndarray]


def previous_token(ids: np.ndarray) -> np.ndarray:
    """Attends to the token before."""
    return np.eye(len(ids), k=-1, dtype=bool)


def first_token(ids: np.ndarray) -> np.ndarray:
    """Attends to the first token, whatever it is."""
    mask = np.zeros((len(ids), len(ids)), dtype=bool)
    mask[1:, 0] = True
    return mask


def same_token(ids: np.ndarray) -> np.ndarray:
    """Attends to earlier places of the same token."""
    return np.tril(ids[:, None] == ids, k=-1)


def what_followed(ids: np.ndarray) -> np.ndarray:
    """Attends to what followed the same token earlier: induction."""
    # One place to the right of an earlier copy, and still not after the query.
    return np.tril(np.roll(same_token(ids), 1, axis=1), k=0) & (np.arange(len(ids)) > 0)


PATTERNS: dict[str, Pattern] = {
    "previous token": previous_token,
    "same token": same_token,
    "what followed": what_followed,
    "first token": first_token,
}


def score(weights: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The mean weight inside the mask, over the queries for which it has any.

    weights (..., T, T); gives (...).
    """
    rows = mask.any(axis=-1)
    return (weights * mask).sum(axis=-1)[..., rows].mean(axis=-1)


def attention_weights(model: models.Model, ids: np.ndarray) -> np.ndarray:
    """All attention weights, (n_layers, n_heads, T, T)."""
    layers = []
    model.forward(ids, last_only=True, watch=lambda _, weights: layers.append(weights))
    return np.stack(layers)


def find_heads(model: models.Model, ids: np.ndarray) -> tuple[list[dict], np.ndarray]:
    """For each pattern a head that follows it, with its weights on the sentence.

    A head has two scores, on random tokens said twice and on the sentence; taken is
    the head whose lower one is the highest. Weights (len(PATTERNS), T, T).
    """
    rng = np.random.default_rng(0)
    random_scores = dict.fromkeys(PATTERNS, 0.0)
    for _ in range(N_TRIALS):
        half = rng.integers(1000, 20_000, N_RANDOM)
        trial = np.concatenate([half, half])
        weights = attention_weights(model, trial)
        for name, pattern in PATTERNS.items():
            random_scores[name] += score(weights, pattern(trial)) / N_TRIALS
    weights = attention_weights(model, ids)
    found, maps = [], []
    for name, pattern in PATTERNS.items():
        scores = score(weights, pattern(ids))
        both = np.minimum(scores, random_scores[name])
        at = np.unravel_index(both.argmax(), both.shape)
        maps.append(weights[at])
        found.append(
            {
                "does": name,
                "layer": int(at[0]),
                "head": int(at[1]),
                "score": round(float(scores[at]), 3),
                "random_score": round(float(random_scores[name][at]), 3),
                "typical_score": round(float(np.median(scores)), 3),
            }
        )
    return found, np.stack(maps)


def main() -> None:
    """Run the model on each prompt and on the sentence, and write the files."""
    model = models.load()
    tokenizer = model.tokenizer

    prompts, logits = [], []
    for name, prompt in PROMPTS.items():
        ids = tokenizer.encode(prompt)
        row = model.forward(ids, last_only=True)[0]
        logits.append(np.round(row * STEPS).astype("<i2"))
        prompts.append({"name": name, "prompt": prompt, "ids": ids})

    ids = np.array(tokenizer.encode(SENTENCE))
    heads, maps = find_heads(model, ids)
    for head in heads:
        print(head)

    tokens = [tokenizer.vocab[i] for i in range(model.config.vocab_size)]
    pairs = np.stack(logits).view(np.uint8)
    np.savez_compressed(
        HERE / "smollm2.npz",
        # All low bytes, then all high ones: a tenth less than the numbers as they are.
        logit_bytes=np.stack([pairs[:, byte::2] for byte in (0, 1)]),
        attention=maps.astype(np.float16),
        tokens=np.frombuffer(SEPARATOR.join(tokens), np.uint8),
    )
    about = {
        "model": files.SMOLLM2.what,
        "license": "Apache-2.0, Hugging Face",
        "file": asdict(files.SMOLLM2),
        "made_by": "rounds/data/make_smollm2.py",
        "config": asdict(model.config),
        "steps": STEPS,
        "prompts": prompts,
        "sentence": SENTENCE,
        "sentence_ids": ids.tolist(),
        "heads": heads,
    }
    text = json.dumps(about, indent=1) + "\n"
    (HERE / "smollm2.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
