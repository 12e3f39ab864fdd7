"""The real models in plain NumPy: how fast they load, read, write and embed.

    python benchmarks/models.py        writes benchmarks/results/models.json

Needs requirements-bench.txt and requirements-models.txt.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import harness
import numpy as np
from harness import Column, Record, Target
from report import write

from rounds import models
from rounds.models import files, minilm

THREADS = (1, 2)
PROMPT = 512  # tokens read at once
CONTEXT = 256  # tokens already there when one more is decoded
CLOSE = 1e-3  # the most by which logits of the two may differ
CLOSE_VECTORS = 1e-5  # and the numbers of a text's vector
ASKED = (
    "a cache, beam search, byte-pair encoding, a mask, top-p, paging, a reranker, RAG"
)
TEXTS = [f"How does {what} work, and why?" for what in ASKED.split(", ")] * 8

Calls = dict[str, Callable[[], np.ndarray]]

COLUMNS = [
    Column("threads", "threads", "count"),
    Column("form", "form", "text"),
    Column("load_seconds", "load", "s"),
    Column("prefill_per_second", "prefill, tokens/s", "count"),
    Column("decode_per_second", "decode, tokens/s", "count"),
    Column("embed_per_second", "embedding, texts/s", "count"),
    Column("peak_bytes", "peak memory", "MiB"),
]
ABOUT = (
    "SmolLM2-135M-Instruct, float32, one sequence. NumPy is `rounds.models`, "
    f"transformers its Llama model on PyTorch with the same weights. Prefill reads "
    f"{PROMPT} tokens and gives the logits of the last, decode adds one token to "
    f"{CONTEXT}. Both had the same input and gave the same logits to {CLOSE}. "
    f"Embedding is all-MiniLM-L6-v2's, of {len(TEXTS)} questions of 10 to 13 tokens "
    f"at once, the vectors the same to {CLOSE_VECTORS}. Each form ran in a process of "
    "its own, since PyTorch, once imported, slows NumPy's decoding. Times are medians "
    "of five turns while nothing else ran; loading is of SmolLM2, from a "
    "file that the system has in memory. Peak memory is the most that a process held "
    "that loaded SmolLM2, read the prompt and decoded 32 tokens."
)


def main() -> None:
    """Measure in processes of their own, and write the record."""
    rows: list[dict[str, Any]] = []
    for threads in THREADS:
        peer = in_process("transformers", threads)  # which compares the answers first
        own = in_process("numpy", threads) | in_process("peak", threads)
        rows += [{"threads": threads} | row for row in (own, peer)]
    write(
        Record(
            name="models",
            title="Real models",
            about=ABOUT,
            columns=COLUMNS,
            rows=rows,
            targets=targets(rows),
            versions=harness.versions("numpy", "gguf", "torch", "transformers"),
        )
    )


def in_process(what: str, threads: int) -> Any:
    """What another process of this script prints, on so many threads."""
    done = subprocess.run(
        [sys.executable, __file__, what, str(threads)],
        env=harness.environment(threads),
        stdout=subprocess.PIPE,
        text=True,
    )
    if done.returncode:
        sys.exit(done.returncode)
    return json.loads(done.stdout)


def targets(rows: list[dict[str, Any]]) -> list[Target]:
    """What the course promises on two cores, with what was measured."""
    (row,) = [r for r in rows if (r["threads"], r["form"]) == (2, "NumPy")]
    return [
        Target("load", "s", row["load_seconds"], at_most=4),
        Target("prefill, tokens/s", "count", row["prefill_per_second"], at_least=400),
        Target("decode, tokens/s", "count", row["decode_per_second"], at_least=45),
        Target("embedding, texts/s", "count", row["embed_per_second"], at_least=40),
        Target("peak memory", "MiB", row["peak_bytes"], at_most=1.3e9),
    ]


def peak(threads: int) -> dict[str, int]:
    """The most memory that this process ever held, in bytes, having run the model."""
    import resource  # not on Windows, where this figure is not measured

    model = models.load()
    for _ in models.generate(model, prompt(), max_tokens=32):
        pass
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"peak_bytes": held if sys.platform == "darwin" else held * 1024}


def own_speed(threads: int) -> dict[str, Any]:
    """Times of the NumPy form."""
    load = harness.median_seconds({"load": models.load}, rounds=3)["load"]
    embed = minilm.load()
    times = per_second(numpy_calls(models.load()) | {"embed": lambda: embed(TEXTS)})
    return {"form": "NumPy", "load_seconds": round(load, 2)} | times


def peer_speed(threads: int) -> dict[str, Any]:
    """Times of transformers' form, its logits compared with NumPy's first."""
    import torch

    torch.set_num_threads(threads)
    model = models.load()
    calls, own = transformers_calls(transformers_model(model)), numpy_calls(model)
    for what, call in calls.items():
        gap = np.abs(own[what]() - call()).max()
        if not gap <= CLOSE:  # a nan is refused too
            raise ValueError(f"{what}: logits differ by {gap:.1e}: not compared")
    embed, peer_embed = minilm.load(), transformers_embedder()
    gap = np.abs(embed(TEXTS) - peer_embed()).max()
    if not gap <= CLOSE_VECTORS:
        raise ValueError(f"vectors differ by {gap:.1e}: not compared")
    calls["embed"] = peer_embed
    missing = {"load_seconds": None, "peak_bytes": None}
    return {"form": "transformers"} | missing | per_second(calls)


def per_second(calls: Calls) -> dict[str, int]:
    """Tokens that are read and written, and texts embedded, in a second."""
    seconds = harness.median_seconds(calls)
    return {
        "prefill_per_second": round(PROMPT / seconds["prefill"]),
        "decode_per_second": round(1 / seconds["decode"]),
        "embed_per_second": round(len(TEXTS) / seconds["embed"]),
    }


def prompt() -> list[int]:
    """The same ids for all: any will do, since no time depends on them."""
    return np.random.default_rng(0).integers(100, 40_000, PROMPT).tolist()


def numpy_calls(model: models.Model) -> Calls:
    """Reading a prompt and decoding one token, each giving the last logits."""
    ids = prompt()
    caches = model.new_caches(CONTEXT + 1)
    model.forward(ids[:CONTEXT], caches, last_only=True)

    def decode() -> np.ndarray:
        for cache in caches:
            cache.truncate(CONTEXT)
        return model.forward([ids[CONTEXT]], caches)[0]

    def prefill() -> np.ndarray:
        return model.forward(ids, last_only=True)[0]

    return {"prefill": prefill, "decode": decode}


def transformers_model(model: models.Model) -> Any:
    """The same weights in transformers' Llama."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    c = model.config
    peer = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=c.vocab_size,
            hidden_size=c.d_model,
            intermediate_size=c.d_ff,
            num_hidden_layers=c.n_layers,
            num_attention_heads=c.n_heads,
            num_key_value_heads=c.n_kv_heads,
            max_position_embeddings=c.max_len,
            rms_norm_eps=c.norm_eps,
            rope_theta=c.rope_base,
            tie_word_embeddings=True,
        )
    ).eval()

    def halves(weight: np.ndarray) -> np.ndarray:
        # It rotates column c with c + d/2, GGUF neighbours.
        return weight.reshape(-1, c.d_head // 2, 2, c.d_model).swapaxes(1, 2)

    n_q, n_kv = c.n_heads * c.d_head, c.n_kv_heads * c.d_head
    state = {
        "model.embed_tokens.weight": model.weights.embedding.T,
        "model.norm.weight": model.weights.norm,
    }
    for n, layer in enumerate(model.weights.layers):
        q, k, v = np.split(layer.qkv.T, [n_q, n_q + n_kv])
        gate, up = np.split(layer.gate_up.T, 2)
        named = {
            "input_layernorm": layer.attn_norm,
            "self_attn.q_proj": halves(q).reshape(q.shape),
            "self_attn.k_proj": halves(k).reshape(k.shape),
            "self_attn.v_proj": v,
            "self_attn.o_proj": layer.out.T,
            "post_attention_layernorm": layer.ffn_norm,
            "mlp.gate_proj": gate,
            "mlp.up_proj": up,
            "mlp.down_proj": layer.down.T,
        }
        state |= {f"model.layers.{n}.{key}.weight": w for key, w in named.items()}
    tensors = {key: torch.from_numpy(w.copy()) for key, w in state.items()}
    peer.load_state_dict(tensors | {"lm_head.weight": tensors[next(iter(tensors))]})
    return peer


def transformers_calls(peer: Any) -> Calls:
    """The same two for transformers."""
    import torch
    from transformers import DynamicCache

    ids = torch.tensor([prompt()])
    cache = DynamicCache(config=peer.config)

    def run(part: Any, past: Any) -> np.ndarray:
        with torch.inference_mode():
            out = peer(part, past_key_values=past, use_cache=True, logits_to_keep=1)
        return out.logits[0, -1].numpy()

    run(ids[:, :CONTEXT], cache)

    def decode() -> np.ndarray:
        logits = run(ids[:, CONTEXT : CONTEXT + 1], cache)
        cache.crop(-1)
        return logits

    def prefill() -> np.ndarray:
        return run(ids, DynamicCache(config=peer.config))

    return {"prefill": prefill, "decode": decode}


def transformers_embedder() -> Callable[[], np.ndarray]:
    """TEXTS embedded by transformers' model on the same file, all of them at once."""
    import torch
    from transformers import AutoTokenizer, BertModel

    folder = files.whole(files.MINILM).parent
    tokenizer = AutoTokenizer.from_pretrained(folder)
    peer = BertModel.from_pretrained(folder, local_files_only=True).eval()

    def embed() -> np.ndarray:
        batch = tokenizer(TEXTS, padding=True, return_tensors="pt")
        with torch.inference_mode():
            hidden = peer(**batch).last_hidden_state
        sums = (hidden * batch["attention_mask"][..., None]).sum(dim=1)
        return torch.nn.functional.normalize(sums).numpy()

    return embed


if __name__ == "__main__":
    if not all(map(files.installed, files.MODELS)):
        sys.exit("The models are not installed: run make models, or make bench.")
    if len(sys.argv) == 1:
        main()
    else:
        try:
            what = {"peak": peak, "numpy": own_speed, "transformers": peer_speed}
            print(json.dumps(what[sys.argv[1]](int(sys.argv[2]))))
        except harness.Busy as trouble:
            sys.exit(str(trouble))
