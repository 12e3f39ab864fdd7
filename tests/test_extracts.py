"""The committed extracts: whole, right, and what the model says where it is there."""

import numpy as np
import pytest

from rounds import extracts, models
from rounds.data import make_smollm2 as smollm2
from rounds.models import files

WORDS = "it was the best of times it was the worst of times it was the age of wisdom"


def probs(logits: np.ndarray) -> np.ndarray:
    exps = np.exp(logits - logits.max())
    return exps / exps.sum()


def test_prompts_come_with_ids_and_logits_over_the_whole_vocabulary():
    found = extracts.next_token_logits()
    vocabulary = extracts.vocabulary()
    assert list(found) == list(smollm2.PROMPTS)
    for name, record in found.items():
        assert record.name == name
        text = b"".join(vocabulary[i] for i in record.ids).decode()
        assert text == record.prompt == smollm2.PROMPTS[name]
        assert record.logits.shape == (len(vocabulary),) == (49152,)
        assert record.logits.dtype == np.float64
        steps = record.logits * smollm2.STEPS
        assert np.array_equal(steps, np.round(steps)) and abs(steps).max() < 2**15


def test_prompts_are_what_their_names_say():
    found = {name: probs(r.logits) for name, r in extracts.next_token_logits().items()}
    entropy = {name: -(p * np.log(p)).sum() for name, p in found.items()}
    assert entropy["sure"] < 2 < entropy["torn"] < 4 < entropy["open"]
    vocabulary = extracts.vocabulary()
    likely = {name: vocabulary[p.argmax()] for name, p in found.items()}
    assert likely["sure"] == b" Paris" and likely["loop"] == b" walked"
    assert vocabulary.index(b" walked") in extracts.next_token_logits()["loop"].ids


def test_vocabulary_has_every_token_once():
    vocabulary = extracts.vocabulary()
    assert len(set(vocabulary)) == len(vocabulary) == extracts.config()["vocab_size"]
    assert vocabulary[:3] == [b"<|endoftext|>", b"<|im_start|>", b"<|im_end|>"]
    assert b"" not in vocabulary


def test_heads_read_the_sentence_causally():
    assert extracts.sentence() == WORDS.split()
    found = extracts.heads()
    assert list(found) == list(smollm2.PATTERNS)
    for head in found.values():
        assert head.weights.shape == (18, 18)
        assert not np.triu(head.weights, k=1).any()
        np.testing.assert_allclose(head.weights.sum(axis=-1), 1, atol=2e-3)


def test_scores_are_those_of_the_weights_and_stand_out():
    ids = np.unique(WORDS.split(), return_inverse=True)[1]
    for head in extracts.heads().values():
        mask = smollm2.PATTERNS[head.does](ids)
        assert smollm2.score(head.weights, mask) == pytest.approx(head.score, abs=1e-3)
        assert min(head.score, head.random_score) > 0.6 > head.typical_score


def test_patterns_mark_what_they_name():
    ids = np.array([7, 8, 7, 8, 8])
    marked = {
        name: [tuple(map(int, at)) for at in np.argwhere(pattern(ids))]
        for name, pattern in smollm2.PATTERNS.items()
    }
    assert marked == {
        "previous token": [(1, 0), (2, 1), (3, 2), (4, 3)],
        "same token": [(2, 0), (3, 1), (4, 1), (4, 3)],
        "what followed": [(2, 1), (3, 2), (4, 2), (4, 4)],
        "first token": [(1, 0), (2, 0), (3, 0), (4, 0)],
    }


def test_score_is_the_mean_over_queries_that_have_such_keys():
    weights = np.array([[1, 0, 0], [0.25, 0.75, 0], [0.5, 0.2, 0.3]])
    mask = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0]], dtype=bool)
    assert smollm2.score(weights, mask) == pytest.approx((0.25 + 0.7) / 2)


def test_source_names_the_model_and_the_script():
    assert (
        extracts.source() == "SmolLM2-135M-Instruct, run by rounds/data/make_smollm2.py"
    )


def test_extracts_are_small_enough_to_commit():
    names = ("smollm2.npz", "smollm2.json")
    assert sum((extracts.DATA / name).stat().st_size for name in names) <= 500_000


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """A copy of the extracts that may be broken."""
    for name in ("smollm2.npz", "smollm2.json"):
        (tmp_path / name).write_bytes((extracts.DATA / name).read_bytes())
    monkeypatch.setattr(extracts, "DATA", tmp_path)
    extracts._read.cache_clear()
    yield tmp_path
    extracts._read.cache_clear()


def cut_short(path):
    path.write_bytes(path.read_bytes()[:-1000])


def flip_a_byte(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def empty(path):
    path.write_bytes(b"")


def other_json(path):
    path.write_text('{"prompts": []}')


@pytest.mark.parametrize(
    ("name", "harm"),
    [
        ("smollm2.npz", cut_short),
        ("smollm2.npz", flip_a_byte),
        ("smollm2.npz", empty),
        ("smollm2.npz", lambda path: path.unlink()),
        ("smollm2.json", cut_short),
        ("smollm2.json", other_json),
        ("smollm2.json", lambda path: path.unlink()),
    ],
)
def test_damaged_extracts_are_one_sentence(folder, name, harm):
    harm(folder / name)
    with pytest.raises(extracts.NoExtract, match="git restore rounds/data") as error:
        extracts.vocabulary()
    assert str(error.value).startswith("The extracts rounds/data/smollm2.npz and .json")


def test_arrays_of_another_size_are_refused(folder):
    with np.load(folder / "smollm2.npz") as stored:
        arrays = dict(stored)
    for name, smaller in (
        ("logit_bytes", arrays["logit_bytes"][:, :1]),
        ("attention", arrays["attention"][:, :5]),
        ("tokens", arrays["tokens"][:-9]),
    ):
        np.savez(folder / "smollm2.npz", **arrays | {name: smaller})
        extracts._read.cache_clear()
        with pytest.raises(extracts.NoExtract, match="not "):
            extracts.heads()


# Where the model is installed


@pytest.fixture(scope="module")
def model() -> models.Model:
    if not files.installed(files.SMOLLM2):
        pytest.skip("needs the model: make models")
    return models.load()


def test_logits_are_what_the_model_says(model):
    for record in extracts.next_token_logits().values():
        assert model.tokenizer.encode(record.prompt) == record.ids
        found = model.forward(record.ids, last_only=True)[0]
        gap = np.abs(found - record.logits).max()
        assert gap <= 0.5 / smollm2.STEPS + 1e-3


def test_vocabulary_and_sizes_are_the_model_s(model):
    vocab = model.tokenizer.vocab
    assert extracts.vocabulary() == [vocab[i] for i in range(len(vocab))]
    assert extracts.config() == vars(model.config)


def test_weights_are_what_the_heads_give(model):
    ids = np.array(model.tokenizer.encode(smollm2.SENTENCE))
    weights = smollm2.attention_weights(model, ids)
    for head in extracts.heads().values():
        found = weights[head.layer, head.head]
        np.testing.assert_allclose(found, head.weights, rtol=0, atol=2e-3)


def test_heads_are_those_that_the_search_finds(model):
    ids = np.array(model.tokenizer.encode(smollm2.SENTENCE))
    found, _ = smollm2.find_heads(model, ids)
    stored = extracts.heads()
    assert [(head["layer"], head["head"]) for head in found] == [
        (stored[head["does"]].layer, stored[head["does"]].head) for head in found
    ]
