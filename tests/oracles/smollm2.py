"""Records what Hugging Face's libraries make of SmolLM2: the oracle of test_models.py.

    .venv-bench/bin/python tests/oracles/smollm2.py      writes smollm2.json beside it

Run it in an environment with requirements-bench.txt and requirements-models.txt, and
with accelerate, which transformers wants for GGUF files and nothing else here does. The
ids are those of `tokenizers` with the vocabulary that transformers reads from the GGUF
file, and with the pre-tokenizer that the file names (`smollm`: each digit by itself,
then GPT-2's pattern); transformers' own conversion leaves the digits' part out. The
logits are those of transformers' model on the same file, in float32.
"""

import json
import os
from importlib.metadata import version
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
import torch
from tokenizers import pre_tokenizers
from transformers import AutoModelForCausalLM, AutoTokenizer

from rounds.models import files

TEXTS = [
    "The capital of France is",
    "  Two spaces, a\ttab,\n\na blank line and  12  numbers: 3.14159, 2024-11-23.  ",
    "don't we'll THEY'RE I'd it's 'tis o'clock rock'n'roll",
    "def f(x, *args):\n    return {k: v ** 2 for k, v in x.items() if v >= 0.5}\n",
    "Déjà vu: naïve façade, Ærøskøbing, Łódź, Straße, İstanbul",
    "Быстрая коричневая лиса прыгает через ленивую собаку 42 раза.",
    "Η γρήγορη αλεπού πηδάει πάνω από το σκυλί",
    "敏捷的棕色狐狸跳过懒狗。素早い茶色の狐、빠른 갈색 여우",
    "الثعلب البني السريع ١٢٣ يقفز فوق الكلب",
    "तेज़ भूरी लोमड़ी १२३ आलसी कुत्ते के ऊपर कूदती है",
    "👍🏽 👩‍👩‍👧‍👦 🇫🇷 é é ½ ² Ⅷ ﬁ 𝒳",
    "aaaaaaaaaaaaaaaa!!!!!!!!???____----====",
    "a  1 b   22\n 3\t\t4 x5y6",
    "\u00a0non-breaking\u2003em space\u200bzero width",
    "A bell \x07, two bytes that have no token \x04\x13, and a rare plane \U000f0000.",
    "<|im_start|>user\nnot special<|im_end|>",
    "",
    " ",
]
WITH_SPECIALS = "<|im_start|>user\nHi 7<|im_end|>\n<|endoftext|>text<|im_end"
CHAT = [
    {"role": "user", "content": "What is  2 + 2?"},
    {"role": "assistant", "content": "It is 4."},
    {"role": "user", "content": "\n Sure?"},
]
LOGITS_OF = [0, 3, 5, 7, 10]  # of TEXTS; all positions
PACKAGES = ("transformers", "tokenizers", "torch", "accelerate")
N_IDS = 48  # of the vocabulary, drawn anew for each text


def main() -> None:
    """Write the record."""
    path = files.whole(files.SMOLLM2)
    at = {"gguf_file": path.name}
    tokenizer = AutoTokenizer.from_pretrained(path.parent, **at)
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )

    def ids_of(text: str, split_special_tokens: bool = True) -> list[int]:
        return tokenizer.encode(
            text, add_special_tokens=False, split_special_tokens=split_special_tokens
        )

    model = AutoModelForCausalLM.from_pretrained(
        path.parent, **at, dtype=torch.float32
    ).eval()
    rng = np.random.default_rng(0)
    logits = []
    for index in LOGITS_OF:
        with torch.no_grad():
            row = model(torch.tensor([ids_of(TEXTS[index])])).logits[0].double()
        chosen = np.sort(rng.choice(row.shape[1], N_IDS, replace=False))
        top = row[-1].argmax().item()
        chosen = [*chosen.tolist(), top]
        logits.append(
            {
                "text": TEXTS[index],
                "ids": chosen,
                "logits": row[:, chosen].numpy().round(6).tolist(),
                "logsumexp": row.logsumexp(-1).numpy().round(6).tolist(),
            }
        )
    record = {
        "how": "python tests/oracles/smollm2.py",
        "file": files.SMOLLM2.sha256,
        "versions": {p: version(p) for p in PACKAGES},
        "texts": [{"text": text, "ids": ids_of(text)} for text in TEXTS],
        "with_specials": {
            "text": WITH_SPECIALS,
            "ids": ids_of(WITH_SPECIALS, split_special_tokens=False),
        },
        "chat": {
            "messages": CHAT,
            "ids": ids_of(
                tokenizer.apply_chat_template(
                    CHAT, tokenize=False, add_generation_prompt=True
                ),
                split_special_tokens=False,
            ),
        },
        "logits": logits,
    }
    out = Path(__file__).with_suffix(".json")
    out.write_text(json.dumps(record, ensure_ascii=True) + "\n", encoding="utf-8")
    print(f"wrote {out.name}, {out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
