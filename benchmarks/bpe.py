"""BPE of this course against Hugging Face's tokenizers and tiktoken, and its own steps.

    python benchmarks/bpe.py        writes benchmarks/results/bpe.json

Needs requirements-bench.txt and the files of GPT-2 (requirements-models.txt).
"""

import ast
import hashlib
import json
import os
import platform
import re
import sys
import sysconfig
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from pydoc_data.topics import topics
from typing import Any

import harness
import regex
import tiktoken
from harness import Column, Record, Target
from report import write
from tiktoken import _educational

from rounds import bank, catalog
from rounds.models import ranks
from rounds.models.gguf_file import as_bytes
from rounds.root import course_root

SIZE, SHORT = 1_000_000, 50_000  # bytes
VOCAB_SIZES = (1000, 5000)
SHORT_VOCAB_SIZE = 512
ENCODED_VOCAB_SIZE = 1000
# The slow forms take seconds a run.
STEP_ROUNDS = 3
GPT2_SIZE = 50_257

COLUMNS = [
    Column("part", "part", "text"),
    Column("text_bytes", "text, bytes", "count"),
    Column("vocab_size", "vocabulary", "count"),
    Column("form", "form", "text"),
    Column("seconds", "time", "ms"),
    Column("times", "against the part's first form", "times"),
]
ABOUT = (
    "The texts are what every CPython carries: pydoc_data.topics, each paragraph once, "
    "then the modules of the standard library by name. Here: {texts} of Python "
    "{python}. "
    "Training: the bank's `train_incremental` on the first, whole text in, merges out; "
    "tokenizers' BpeTrainer on the same text, cut where the GPT-2 pattern cuts in any "
    "case so that both its threads find work, with and without threads. Compared "
    "first: tokenizers breaks ties by ids in its own numbering of the bytes, and under "
    "that numbering the page's trainer gives the same merges to the last one; under "
    "the course's numbering {shared}. The bank's merges equal the page's. "
    "Teaching code: tiktoken's `_educational.bpe_train`, not printing, on the first "
    "{short:,} bytes; it takes the pair seen first among equals, so that what was "
    "compared is that each of its merges was a most frequent pair when it was made. "
    "Step by step: the functions of chapters/bpe.ipynb, read from there, on the same "
    "texts, the same merges and ids from all. "
    "Encoding: the second text, which training has not seen, by the bank's "
    "`FastTokenizer.encode_ordinary` with its cache emptied before each run or left "
    "full, and by tiktoken's `encode_ordinary`; with the {largest:,} tokens trained "
    "here and with GPT-2's; all ids equal. All on one thread but for tokenizers. "
    "Times are medians of five turns ({steps} for the steps and the teaching code) "
    "while nothing else ran."
)

Calls = dict[str, Callable[[], Any]]
Merges = list[tuple[bytes, bytes]]
Row = dict[str, Any]


def main() -> None:
    """Compare answers, measure, and write the record."""
    text, unseen = corpus(SIZE, 2)
    short = cut(text, SHORT)
    page = functions_of_the_page()
    shared = [require_same_merges(text, size, page) for size in VOCAB_SIZES]
    rows = [row for size in VOCAB_SIZES for row in training(text, size)]
    rows += teaching(short)
    rows += training_steps(short, SHORT_VOCAB_SIZE, page, list(STEPS))
    rows += training_steps(text, VOCAB_SIZES[0], page, list(STEPS)[2:])
    rows += training_steps(text, VOCAB_SIZES[1], page, list(STEPS)[4:])
    rows += encoding_steps(cut(unseen, SHORT), text)
    rows += encoding(unseen, text)
    sums = [f"{SIZE:,} bytes with SHA-256 {checksum(part)}" for part in (text, unseen)]
    packages = harness.versions("tokenizers", "tiktoken", "regex")
    write(
        Record(
            name="bpe",
            title="BPE",
            about=ABOUT.format(
                texts=" and ".join(sums),
                python=platform.python_version(),
                shared=", ".join(shared),
                short=SHORT,
                largest=VOCAB_SIZES[-1],
                steps=STEP_ROUNDS,
            ),
            columns=COLUMNS,
            rows=rows,
            targets=targets(rows),
            versions=packages,
        )
    )


def targets(rows: list[Row]) -> list[Target]:
    """What the course promises, with what was measured."""

    def times(part: str, vocab_size: int, form: str) -> float:
        (found,) = (
            row["times"]
            for row in rows
            if (row["part"], row["vocab_size"], row["form"]) == (part, vocab_size, form)
        )
        return found

    found = []
    for size in VOCAB_SIZES:
        what = f"training 1 MB to {size:,} tokens, time against tokenizers on 2 threads"
        ratio = times("training", size, "train_incremental")
        found.append(Target(what, "times", ratio, at_most=2))
    ratio = 1 / times("teaching code", SHORT_VOCAB_SIZE, "train_incremental")
    what = f"tiktoken's teaching trainer against ours, to {SHORT_VOCAB_SIZE} tokens"
    found.append(Target(what, "times", round(ratio, 1), at_least=50))
    for size in (VOCAB_SIZES[-1], GPT2_SIZE):
        ratio = 1 / times("encoding", size, "ours, cold cache")
        what = f"throughput against tiktoken's, {size:,} tokens, cold cache"
        found.append(Target(what, "times", round(ratio, 2), at_least=0.35))
    return found


# The texts, and the functions to measure


def corpus(size: int, parts: int) -> list[str]:
    """So many texts one after another, each of `size` bytes or a few less."""
    data = "".join(pieces()).encode()
    if len(data) < size * parts:
        raise ValueError(f"this Python carries {len(data):,} bytes of text: too few")
    return [
        data[n * size : (n + 1) * size].decode("utf-8", "ignore") for n in range(parts)
    ]


def pieces() -> Iterator[str]:
    """Python's documentation without what it repeats, then the standard library."""
    yield from dict.fromkeys(
        paragraph + "\n\n"
        for name in sorted(topics)
        for paragraph in topics[name].strip("\n").split("\n\n")
    )
    for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py")):
        yield path.read_text(encoding="utf-8")


def cut(text: str, size: int) -> str:
    """The first `size` bytes of a text, or a few less."""
    return text.encode()[:size].decode("utf-8", "ignore")


def checksum(text: str) -> str:
    """The SHA-256 of a text, the first 16 digits."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def functions_of_the_page() -> dict[str, Any]:
    """What the chapter defines, so that what it shows is what is measured."""
    chapter = course_root() / "chapters" / "bpe.ipynb"
    cells = json.loads(chapter.read_text(encoding="utf-8"))["cells"]
    page: dict[str, Any] = {}
    for cell in cells:
        if cell["cell_type"] != "code":
            continue
        for node in ast.parse("".join(cell["source"])).body:
            if needed(node):
                exec(compile(ast.Module([node], []), chapter.name, "exec"), page)
    return page


def needed(node: ast.stmt) -> bool:
    """True for functions, classes, the pattern, and imports but those for the page."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        modules = getattr(node, "module", None) or node.names[0].name
        return modules.split(".")[0] not in ("matplotlib", "rounds")
    if isinstance(node, ast.Assign):
        return ast.unparse(node.targets[0]) == "GPT2_PATTERN"
    return isinstance(node, ast.FunctionDef | ast.ClassDef)


def timed(
    part: str, text: str, vocab_size: int, calls: Calls, rounds: int = 5
) -> list[Row]:
    """A row for each call, times against the first one's."""
    print(part, len(text.encode()), vocab_size, file=sys.stderr, flush=True)
    seconds = harness.median_seconds(calls, rounds)
    times = harness.ratios(seconds, next(iter(calls)))
    return [
        {
            "part": part,
            "text_bytes": len(text.encode()),
            "vocab_size": vocab_size,
            "form": form,
            "seconds": round(seconds[form], 6),
            "times": float(f"{times[form]:.3g}"),
        }
        for form in calls
    ]


def require_same(answers: dict[str, list]) -> None:
    """Raise ValueError unless all answers are the first's."""
    (first, due), *others = answers.items()
    for name, answer in others:
        if answer != due:
            raise ValueError(f"{name} differs from {first}: not compared")


# Training


def train_incremental(text: str, vocab_size: int) -> Merges:
    """The merges of the bank's fast trainer."""
    train = bank.right(catalog.find("bpe.train"))["train_incremental"]
    return train(text, vocab_size).merges


def train_tokenizers(parts: list[str], vocab_size: int, threads: bool) -> Any:
    """Hugging Face's trainer with the course's conventions, ties apart."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    os.environ["TOKENIZERS_PARALLELISM"] = "true" if threads else "false"
    tokenizer = Tokenizer(models.BPE())
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.pre_tokenizer = byte_level
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=2,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(parts, trainer)
    return tokenizer


def parts_of(text: str) -> list[str]:
    """The text cut behind line ends between two words, where every pre-token ends."""
    return re.split(r"(?<=\S\n)(?=\S)", text)


def training(text: str, vocab_size: int) -> list[Row]:
    """Ours and Hugging Face's on the whole text."""
    parts = parts_of(text)
    calls: Calls = {
        "tokenizers, 2 threads": lambda: train_tokenizers(parts, vocab_size, True),
        "tokenizers, 1 thread": lambda: train_tokenizers(parts, vocab_size, False),
        "train_incremental": lambda: train_incremental(text, vocab_size),
    }
    return timed("training", text, vocab_size, calls)


def require_same_merges(text: str, vocab_size: int, page: dict[str, Any]) -> str:
    """Refuse to compare unless the merges are the same; say how many are in any case.

    tokenizers numbers the bytes in an order of its own, and with that numbering the
    page's trainer must give its merges one by one.
    """
    stored = json.loads(train_tokenizers(parts_of(text), vocab_size, True).to_str())
    vocab, merges = stored["model"]["vocab"], stored["model"]["merges"]
    tokens = [as_bytes(shown) for shown in sorted(vocab, key=vocab.__getitem__)][:256]
    number = {token[0]: i for i, token in enumerate(tokens)}
    words = page["word_table"](text)
    renumbered = {tuple(number[byte] for byte in word): n for word, n in words.items()}
    n_merges = vocab_size - 256
    for left, right in page["learn_strings"](renumbered, n_merges):
        tokens.append(tokens[left] + tokens[right])
    theirs = [as_bytes(left + right) for left, right in merges]
    require_same({"tokenizers": theirs, "the page in its numbering": tokens[256:]})
    ours = page["spell"](page["learn_strings"](words, n_merges))
    fast = train_incremental(text, vocab_size)
    require_same({"the page": ours, "train_incremental": fast})
    given = {(as_bytes(left), as_bytes(right)) for left, right in merges}
    return f"{len(given & set(ours)):,} of {len(merges):,} are the same"


def teaching(text: str) -> list[Row]:
    """tiktoken's teaching code, on a text that it can train on in seconds."""
    pattern = functions_of_the_page()["GPT2_PATTERN"]

    def teach() -> dict[bytes, int]:
        return _educational.bpe_train(text, SHORT_VOCAB_SIZE, pattern, visualise=None)

    require_most_frequent(text, pattern, teach())
    calls: Calls = {
        "tiktoken._educational": teach,
        "train_incremental": lambda: train_incremental(text, SHORT_VOCAB_SIZE),
    }
    return timed("teaching code", text, SHORT_VOCAB_SIZE, calls, STEP_ROUNDS)


def require_most_frequent(text: str, pattern: str, taught: dict[bytes, int]) -> None:
    """Raise ValueError if a merge was not a most frequent pair when it was made."""
    pre_tokens = Counter(regex.findall(pattern, text))
    words = [[bytes([b]) for b in word.encode()] for word in pre_tokens]
    for token, rank in sorted(taught.items(), key=lambda item: item[1])[256:]:
        counts: Counter[tuple[bytes, bytes]] = Counter()
        for word, n in zip(words, pre_tokens.values(), strict=True):
            for pair in pairwise(word):
                counts[pair] += n
        below = {t: r for t, r in taught.items() if r < rank}
        parts = _educational.bpe_encode(below, token, visualise=None)
        by_rank = {r: t for t, r in below.items()}
        pair = tuple(by_rank[part] for part in parts)
        if counts[pair] != max(counts.values()):
            raise ValueError(f"{pair} was not a most frequent pair: not compared")
        for word in words:
            for i in range(len(word) - 1):
                if tuple(word[i : i + 2]) == pair:
                    word[i : i + 2] = [token]


# Step by step

STEPS = {
    "flat": "learn_flat",
    "word table": "learn",
    "kept counts": "learn_counts",
    "index": "learn_index",
    "heap": "learn_heap",
    "strings": "learn_strings",
}


def training_steps(
    text: str, vocab_size: int, page: dict[str, Any], names: list[str]
) -> list[Row]:
    """The trainers of the chapter, each with the making of its table."""

    def call(name: str) -> Callable[[], list]:
        learn = page[STEPS[name]]
        if name == "flat":
            pattern = page["GPT2_PATTERN"]
            return lambda: learn(regex.findall(pattern, text), vocab_size - 256)
        return lambda: learn(page["word_table"](text), vocab_size - 256)

    calls = {name: call(name) for name in names}
    require_same({name: call() for name, call in calls.items()})
    return timed("training, step by step", text, vocab_size, calls, STEP_ROUNDS)


def encoding_steps(text: str, trained_on: str) -> list[Row]:
    """The encoders of the chapter, all but the last with an empty cache."""
    vocab_size = ENCODED_VOCAB_SIZE
    merges = train_incremental(trained_on, vocab_size)
    tokens = [bytes([byte]) for byte in range(256)] + [a + b for a, b in merges]
    known = {
        "ranks": {pair: rank for rank, pair in enumerate(merges)},
        "id_of": {token: i for i, token in enumerate(tokens)},
    }
    page, kept = functions_of_the_page(), functions_of_the_page()
    page.update(known)
    kept.update(known, encode_by_rank=kept["encode_kept"])
    pieces = page["Pieces"](merges)

    def uncached(merge: Callable, rules: Any) -> list[int]:
        id_of = known["id_of"]
        words = regex.findall(page["GPT2_PATTERN"], text)
        return [id_of[token] for word in words for token in merge(word, rules)]

    def emptied() -> list[int]:
        pieces.clear()
        return pieces.encode(text)

    calls: Calls = {
        "in order": lambda: uncached(page["encode_in_order"], merges),
        "by rank": lambda: uncached(page["encode_by_rank"], known["ranks"]),
        "cache": lambda: page["encode_cached"](text, {}),
        "kept ranks": lambda: kept["encode_cached"](text, {}),
        "loops in C": emptied,
        "warm": lambda: pieces.encode(text),
    }
    require_same({name: call() for name, call in calls.items()})
    return timed("encoding, step by step", text, vocab_size, calls, STEP_ROUNDS)


# Encoding


def encoding(text: str, trained_on: str) -> list[Row]:
    """Ours and tiktoken's, with a vocabulary trained here and with GPT-2's."""
    merges = train_incremental(trained_on, VOCAB_SIZES[-1])
    tokens = [bytes([byte]) for byte in range(256)] + [a + b for a, b in merges]
    trained = tiktoken.Encoding(
        "trained here",
        pat_str=functions_of_the_page()["GPT2_PATTERN"],
        mergeable_ranks={token: i for i, token in enumerate(tokens)},
        special_tokens={},
    )
    gpt2 = ranks.encoding("gpt2")
    return [
        *encode_with(trained, merges, text),
        *encode_with(gpt2, ranks.gpt2_merges(), text),
    ]


def encode_with(encoding: tiktoken.Encoding, merges: Merges, text: str) -> list[Row]:
    """The rows of one vocabulary."""
    fast = bank.right(catalog.find("bpe.Tokenizer"))["FastTokenizer"]
    tokenizer = fast(merges, ids=dict(encoding._mergeable_ranks))

    def cold() -> list[int]:
        tokenizer.pieces.clear()
        return tokenizer.encode_ordinary(text)

    calls: Calls = {
        "tiktoken": lambda: encoding.encode_ordinary(text),
        "ours, cold cache": cold,
        "ours, warm cache": lambda: tokenizer.encode_ordinary(text),
    }
    require_same({name: call() for name, call in calls.items()})
    return timed("encoding", text, encoding.n_vocab, calls)


if __name__ == "__main__":
    try:
        main()
    except harness.Busy as trouble:
        sys.exit(str(trouble))
