"""A small real model, run in plain NumPy, for the pages that show real data.

    from rounds import models
    model = models.load()                       # needs `make models`
    print("".join(models.stream(model, "The capital of France is", max_tokens=8)))

The attention, the cache, the sampler and the tokenizer are arguments of `load`. The
sentence embedder is `rounds.models.minilm`.
"""

from rounds.models.files import ModelFileError
from rounds.models.generation import chat_ids, generate, stream
from rounds.models.gguf_file import load
from rounds.models.transformer import Config, Layer, Model, Weights

__all__ = [
    "Config",
    "Layer",
    "Model",
    "ModelFileError",
    "Weights",
    "chat_ids",
    "generate",
    "load",
    "stream",
]
