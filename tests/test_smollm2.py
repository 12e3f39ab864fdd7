"""The real model and the real vocabularies, where `make models` installed them.

What they are compared with was recorded once by oracles/smollm2.py.
"""

import json
import os
import socket
from pathlib import Path

import numpy as np
import pytest

from rounds import models
from rounds.models import files, ranks

SMOLLM2 = pytest.mark.skipif(
    not files.installed(files.SMOLLM2), reason="needs the model: make models"
)
RANKS = pytest.mark.skipif(
    not all(map(files.installed, ranks.ADDRESSES.values())),
    reason="needs the vocabularies: make models",
)
RECORD = json.loads(
    Path(__file__).with_name("oracles").joinpath("smollm2.json").read_text("utf-8")
)
TEXT = "The capital of France is"


@pytest.fixture(scope="module")
def model() -> models.Model:
    return models.load()


def test_record_is_of_the_file_that_is_loaded():
    assert RECORD["file"] == files.SMOLLM2.sha256


@SMOLLM2
@pytest.mark.parametrize("case", RECORD["texts"], ids=lambda case: ascii(case["text"]))
def test_ids_are_those_of_hugging_face(model, case):
    ids = model.tokenizer.encode(case["text"])
    assert ids == case["ids"]


@SMOLLM2
def test_ids_with_special_tokens_are_those_of_hugging_face(model):
    tokenizer, case = model.tokenizer, RECORD["with_specials"]
    ids = tokenizer.encode(case["text"], tokenizer.special_tokens)
    assert ids == case["ids"]
    assert tokenizer.decode(ids) == case["text"]


@SMOLLM2
def test_chat_is_written_as_the_template_of_the_file_writes_it(model):
    case = RECORD["chat"]
    assert models.chat_ids(model.tokenizer, case["messages"]) == case["ids"]


@SMOLLM2
@pytest.mark.parametrize("case", RECORD["logits"], ids=lambda case: ascii(case["text"]))
def test_logits_are_those_of_transformers(model, case):
    found = model.forward(model.tokenizer.encode(case["text"])).astype(np.float64)
    np.testing.assert_allclose(found[:, case["ids"]], case["logits"], rtol=0, atol=1e-3)
    peak = found.max(axis=-1, keepdims=True)
    total = np.log(np.exp(found - peak).sum(axis=-1)) + peak[:, 0]
    np.testing.assert_allclose(total, case["logsumexp"], rtol=0, atol=1e-3)
    assert found[-1].argmax() == case["ids"][-1]


@SMOLLM2
def test_cached_equals_uncached(model):
    ids = model.tokenizer.encode(RECORD["texts"][3]["text"])
    caches = model.new_caches(len(ids))
    cuts = (ids[:11], ids[11:12], ids[12:])
    rows = np.concatenate([model.forward(cut, caches) for cut in cuts])
    np.testing.assert_allclose(rows, model.forward(ids), rtol=0, atol=1e-3)


@SMOLLM2
def test_greedy_decoding_says_paris_and_repeats_bit_for_bit(model):
    ids = model.tokenizer.encode(TEXT)
    first = list(models.generate(model, ids, max_tokens=12))
    assert model.tokenizer.decode(first).startswith(" Paris")
    assert list(models.generate(model, ids, max_tokens=12)) == first
    runs = [model.forward(ids, last_only=True).tobytes() for _ in range(2)]
    assert runs[0] == runs[1]


@SMOLLM2
def test_weights_are_shared_and_float32(model):
    weights = model.weights
    assert weights.embedding.shape == (576, 49152)
    assert len(weights.layers) == model.config.n_layers == 30
    layer = weights.layers[0]
    assert layer.qkv.shape == (576, (9 + 2 * 3) * 64)
    arrays = [weights.embedding, *vars(layer).values()]
    assert {array.dtype for array in arrays} == {np.dtype(np.float32)}


# The published vocabularies


@pytest.fixture
def offline(monkeypatch):
    import tiktoken.registry

    def refuse(*args):
        raise OSError("this test uses no network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    # An encoding that was loaded before would not be loaded again.
    monkeypatch.setattr(tiktoken.registry, "ENCODINGS", {})
    monkeypatch.delenv("TIKTOKEN_CACHE_DIR", raising=False)


@RANKS
@pytest.mark.parametrize(
    ("name", "size"),
    [("gpt2", 50_257), ("cl100k_base", 100_277), ("o200k_base", 200_019)],
)
def test_vocabulary_loads_without_a_network(offline, name, size):
    encoding = ranks.encoding(name)
    assert encoding.n_vocab == size
    text = "héllo 世界 👍🏽 12345"
    assert encoding.decode(encoding.encode(text)) == text
    assert "TIKTOKEN_CACHE_DIR" not in os.environ


@RANKS
def test_cache_folder_is_a_copy_and_gone_after_the_block(monkeypatch, tmp_path):
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    with ranks.tiktoken_cache() as folder:
        assert os.environ["TIKTOKEN_CACHE_DIR"] == str(folder)
        assert len(list(folder.iterdir())) == len(ranks.ADDRESSES)
    assert os.environ["TIKTOKEN_CACHE_DIR"] == str(tmp_path)
    assert not folder.exists()


@RANKS
def test_merges_of_gpt2_are_its_ranks_in_order(offline):
    order = ranks.encoding("gpt2")._mergeable_ranks
    merges = ranks.gpt2_merges()
    assert len(merges) == 50_000
    assert [order[left + right] for left, right in merges] == [*range(256, 50_256)]


def test_another_vocabulary_is_refused():
    with pytest.raises(ValueError, match="no vocabulary 'gpt3' here: gpt2, cl100k"):
        ranks.encoding("gpt3")


def test_missing_vocabulary_is_one_sentence(monkeypatch):
    def distribution(name):
        raise files.PackageNotFoundError(name)

    monkeypatch.setattr(files, "distribution", distribution)
    with pytest.raises(models.ModelFileError, match="run make models"):
        ranks.encoding("gpt2")
