"""The cache sizing explorer: what a KV cache weighs beside the model, on one GPU.

The arithmetic is sizing.js. A cache holds 2 (keys and values) * n_layers * n_kv_heads
* head_dim elements per token and sequence.
"""

from dataclasses import astuple, dataclass

import traitlets
from anywidget import AnyWidget
from ipywidgets import IntSlider, SelectionSlider

from rounds.widgets.explorer import Explorer, choice, one_of, script, style

HIGHEST_BATCH = 256


@dataclass(frozen=True)
class Model:
    """The shape of a published model; `context` is the longest it was made for."""

    name: str
    n_layers: int
    n_kv_heads: int
    head_dim: int
    n_parameters: int
    context: int


# From the config.json of each model at huggingface.co: HuggingFaceTB/SmolLM2-135M,
# meta-llama/Llama-2-7b-hf, Llama-2-70b-hf, Meta-Llama-3-8B, Llama-3.1-8B and
# Meta-Llama-3-70B, mistralai/Mistral-7B-v0.3 (the first version has a sliding window,
# which this formula does not know), Qwen/Qwen2.5-7B. The parameters are those that the
# same files give (tests/test_widgets.py counts them).
MODELS = [
    Model("SmolLM2-135M", 30, 3, 64, 134_515_008, 8_192),
    Model("Llama 2 7B", 32, 32, 128, 6_738_415_616, 4_096),
    Model("Llama 2 70B", 80, 8, 128, 68_976_648_192, 4_096),
    Model("Llama 3 8B", 32, 8, 128, 8_030_261_248, 8_192),
    Model("Llama 3.1 8B", 32, 8, 128, 8_030_261_248, 131_072),
    Model("Llama 3 70B", 80, 8, 128, 70_553_706_496, 8_192),
    Model("Mistral 7B v0.3", 32, 8, 128, 7_248_023_552, 32_768),
    Model("Qwen2.5 7B", 28, 4, 128, 7_615_616_512, 131_072),
]
CONTEXTS = [2**power for power in range(9, 21)]
BITS = {"fp32": 32, "fp16": 16, "fp8": 8, "int4": 4}
_KINDS = [
    "fp32: 4 bytes",
    "fp16, bf16: 2 bytes",
    "fp8, int8: 1 byte",
    "int4: half a byte",
]
# GB as data sheets count them, 10**9 bytes, each with a card of that size.
MEMORIES = {
    24: "RTX 4090, L4",
    40: "A100 40 GB",
    48: "L40S",
    80: "A100, H100",
    96: "RTX PRO 6000",
    141: "H200",
    192: "MI300X",
}


class SizingDrawing(AnyWidget):
    """The bar and its numbers; the chosen entries are places in the lists."""

    _esm = script("sizing")
    _css = style()
    models = traitlets.List().tag(sync=True)
    contexts = traitlets.List(CONTEXTS).tag(sync=True)
    bits = traitlets.List(list(BITS.values())).tag(sync=True)
    memories = traitlets.List(list(MEMORIES)).tag(sync=True)
    model = traitlets.Int().tag(sync=True)
    context = traitlets.Int().tag(sync=True)
    batch = traitlets.Int().tag(sync=True)
    cache = traitlets.Int().tag(sync=True)
    weights = traitlets.Int().tag(sync=True)
    memory = traitlets.Int().tag(sync=True)


def cache_sizing(
    *,
    model: str = "Llama 3 8B",
    context: int = 8192,
    batch: int = 1,
    cache: str = "fp16",
    weights: str = "fp16",
    memory: int = 80,
) -> Explorer:
    """Choose a model, a context, a batch and a GPU, and see what takes the memory.

    context: tokens per sequence, a power of two from 512 to 1,048,576.
    batch: 1 to 256 sequences. cache, weights: fp32, fp16, fp8 or int4.
    memory: of the GPU in GB, a key of MEMORIES.
    Raises ValueError for what is not on its list.
    """
    names = [known.name for known in MODELS]
    if not 1 <= batch <= HIGHEST_BATCH:
        raise ValueError(f"batch={batch}: it goes from 1 to {HIGHEST_BATCH}")
    chosen = {
        "model": one_of("model", model, names),
        "context": one_of("context", context, CONTEXTS),
        "batch": batch,
        "cache": one_of("cache", cache, list(BITS)),
        "weights": one_of("weights", weights, list(BITS)),
        "memory": one_of("memory", memory, list(MEMORIES)),
    }
    drawing = SizingDrawing(models=[list(astuple(known)) for known in MODELS], **chosen)
    cards = [f"{size} GB ({card})" for size, card in MEMORIES.items()]
    lengths = SelectionSlider(
        description="context",
        options=[f"{length:,}" for length in CONTEXTS],
        index=chosen["context"],
    )
    lengths.add_class("rounds-listed")  # its entries are chosen, not typed
    batches = IntSlider(description="batch", value=batch, min=1, max=HIGHEST_BATCH)
    joined = [
        (choice("model", names, chosen["model"]), "index", "model"),
        (choice("GPU memory", cards, chosen["memory"]), "index", "memory"),
        (lengths, "index", "context"),
        (batches, "value", "batch"),
        (choice("cache in", _KINDS, chosen["cache"]), "index", "cache"),
        (choice("weights in", _KINDS, chosen["weights"]), "index", "weights"),
    ]
    return Explorer(f"KV cache sizing, {len(MODELS)} models", drawing, joined)
