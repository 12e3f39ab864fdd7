"""The texts and extracts that the pages and checks on BPE read are whole.

The extracts hold what tiktoken said; whether the course's own tokenizers say the same
is asserted here too, for it needs no package but tiktoken.
"""

import hashlib
import importlib.util
import json
import random
import sys

import pytest
import regex
import tiktoken

from rounds import bank, catalog
from rounds.models import files
from rounds.root import course_root
from rounds.topics.bpe import right

DATA = course_root() / "rounds" / "data"
# Of the UTF-8 bytes with "\n" at the end of each line.
CHECKSUMS = {
    "python_docs.txt": (
        "8bc71b46f92c0c07e5236d6a39af07eab554b3c861cadecbe2ba84aaa8c44e18"
    ),
    "python_docs_held_out.txt": (
        "b028dfec1e807aae309ed86331e68252ff47096f1c47de9222b28007a7be9113"
    ),
}
VOCABULARIES = ("gpt2", "cl100k_base", "o200k_base")
PACKED = (files.GPT2_MERGES, files.GPT2_IDS, files.CL100K, files.O200K)
needs_files = pytest.mark.skipif(
    not all(map(files.installed, PACKED)), reason="no vocabularies here: make models"
)
needs_text = pytest.mark.skipif(
    sys.version_info[:3] != (3, 11, 7), reason="another Python has another text"
)


def text_of(name):
    return (DATA / name).read_text(encoding="utf-8")


def script(name):
    """rounds/data/{name}.py as a module, not run."""
    spec = importlib.util.spec_from_file_location(name, DATA / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def written_by(name, monkeypatch, folder):
    """What a script writes, by file name, into another folder than its own."""
    module = script(name)
    monkeypatch.setattr(module, "__file__", str(folder / f"{name}.py"))
    module.main()
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}


@pytest.fixture(scope="module")
def vocabularies():
    return json.loads(text_of("vocabularies_extract.json"))


@pytest.fixture(scope="module")
def gpt2():
    """GPT-2's extract, with its merges as bytes and the id of every token."""
    extract = json.loads(text_of("gpt2_extract.json"))
    merges = [
        (left.encode("latin-1"), right.encode("latin-1"), i)
        for left, right, i in extract["merges"]
    ]
    ids = {bytes([byte]): i for byte, i in enumerate(extract["byte_ids"])}
    ids |= {left + right: i for left, right, i in merges}
    return extract, [merge[:2] for merge in merges], ids


# The text that the chapter trains on


@pytest.mark.parametrize("name", CHECKSUMS)
def test_training_text_is_whole(name):
    assert hashlib.sha256(text_of(name).encode()).hexdigest() == CHECKSUMS[name]


def test_nothing_held_out_was_seen_in_training():
    seen = text_of("python_docs.txt").split("\n\n")
    held_out = text_of("python_docs_held_out.txt").split("\n\n")
    assert 100_000 < len(text_of("python_docs.txt")) < 200_000
    assert len(held_out) > 100
    assert set(seen) & set(held_out) <= {""}


def test_the_licence_of_the_training_text_is_beside_it():
    licence = text_of("python_docs.LICENSE")
    assert "PYTHON SOFTWARE FOUNDATION LICENSE VERSION 2" in licence
    assert all(name in licence for name in CHECKSUMS)


@needs_text
def test_training_text_is_what_its_script_writes(monkeypatch, tmp_path):
    written = written_by("make_python_docs", monkeypatch, tmp_path)
    assert written == {name: text_of(name) for name in CHECKSUMS}


# Three vocabularies


def test_ids_of_every_text_stand_for_that_text(vocabularies):
    for text in vocabularies["texts"]:
        assert text["ids"].keys() == set(VOCABULARIES)
        for name, ids in text["ids"].items():
            tokens = vocabularies["tokens"][name]
            joined = "".join(tokens[str(i)] for i in ids)
            assert joined.encode("latin-1").decode("utf-8") == text["text"]
            assert max(ids) < vocabularies["vocab_sizes"][name]


def test_every_kind_of_text_is_there(vocabularies):
    kinds = [text["kind"] for text in vocabularies["texts"]]
    assert {kind: kinds.count(kind) for kind in kinds} == {
        "sentence": 12,
        "emoji": 7,
        "code": 3,
        "number": 6,
    }


def test_no_token_reaches_across_a_cut_of_its_pattern(vocabularies):
    for name, pattern in vocabularies["patterns"].items():
        for text in vocabularies["texts"]:
            shown = [vocabularies["tokens"][name][str(i)] for i in text["ids"][name]]
            tokens = [len(token) for token in shown]
            ends = {sum(tokens[:n]) for n in range(len(tokens) + 1)}
            pieces = regex.findall(pattern, text["text"])
            sizes = [len(piece.encode()) for piece in pieces]
            assert {sum(sizes[:n]) for n in range(len(sizes) + 1)} <= ends


def test_digits_and_spaces_were_counted(vocabularies):
    counts = vocabularies["counts"]
    for name in ("cl100k_base", "o200k_base"):
        assert list(counts[name]["digits"].values()) == [10, 100, 1000, 0, 0, 0]
    assert counts["gpt2"]["spaces"]["8"] == 7
    assert counts["o200k_base"]["spaces"]["8"] == 1


@needs_files
def test_vocabularies_are_what_their_script_writes(monkeypatch, tmp_path):
    written = written_by("make_vocabularies_extract", monkeypatch, tmp_path)
    name = "vocabularies_extract.json"
    assert written == {name: text_of(name)}


# GPT-2's merges


def test_gpt2_ids_stand_for_their_text(gpt2):
    extract, _, ids = gpt2
    token = {i: text for text, i in ids.items()}
    joined = b"".join(token[i] for i in extract["text_ids"])
    assert joined.decode("utf-8") == extract["text"]
    assert sorted(extract["byte_ids"]) == list(range(256))


@pytest.mark.parametrize("name", ["Tokenizer", "FastTokenizer"])
def test_with_gpt2s_merges_our_ids_are_tiktokens(gpt2, name):
    extract, merges, ids = gpt2
    forms = bank.right(catalog.find("bpe.Tokenizer"))
    tokenizer = forms[name](merges, ids=ids)
    assert tokenizer.encode(extract["text"]) == extract["text_ids"]


def test_gpt2_extract_agrees_with_tiktoken_on_parts_of_its_text(gpt2):
    extract, _, ids = gpt2
    encoding = tiktoken.Encoding(
        "part of gpt2",
        pat_str=script("make_gpt2_extract").GPT2_PATTERN,
        mergeable_ranks=ids,
        special_tokens={extract["special"]: extract["special_id"]},
    )
    assert encoding.encode_ordinary(extract["text"]) == extract["text_ids"]


@needs_files
def test_gpt2_extract_is_what_its_script_writes(monkeypatch, tmp_path):
    written = written_by("make_gpt2_extract", monkeypatch, tmp_path)
    assert written == {"gpt2_extract.json": text_of("gpt2_extract.json")}


def test_the_quick_pattern_cuts_as_gpt2s_does(gpt2):
    quick = regex.compile(right.QUICK_PATTERN).findall
    due = regex.compile(right.GPT2_PATTERN).findall
    rng = random.Random(1)
    alphabet = " '  strevmldDLSX1²½é字🙂\n\t\u00a0.-_"
    texts = ["".join(rng.choices(alphabet, k=n % 12)) for n in range(5000)]
    for text in (*texts, *map(text_of, CHECKSUMS), gpt2[0]["text"]):
        assert quick(text) == due(text)
