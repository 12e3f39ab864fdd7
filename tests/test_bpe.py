"""Claims about the bank and the checks of BPE: oracle, costs, exactness, data."""

import importlib.util
import json
import os
import random
import sys
import unicodedata

import pytest
import regex
import tiktoken

from rounds import bank, catalog
from rounds.engine import run
from rounds.engine.diagnose import judge
from rounds.engine.lines import Lines
from rounds.models import files
from rounds.root import course_root
from rounds.topics.bpe import checks, right, wrong

DATA = course_root() / "rounds" / "data"
TEXT, TEXT_IDS, MERGES, IDS, SPECIAL = checks.gpt2()

needs_gpt2 = pytest.mark.skipif(
    not (files.installed(files.GPT2_MERGES) and files.installed(files.GPT2_IDS)),
    reason="GPT-2's own files are not installed (make models)",
)


def programs(target: str) -> dict[str, object]:
    return bank.right(catalog.find(f"bpe.{target}"))


def twin(
    tok: right.Tokenizer, specials: tuple[str, ...] = (), pattern=right.GPT2_PATTERN
) -> tiktoken.Encoding:
    """tiktoken, with the ranks of a tokenizer of ours."""
    number = {token: i for i, token in tok.vocab.items()}
    special = {text: number.pop(text.encode()) for text in specials}
    return tiktoken.Encoding(
        "twin", pat_str=pattern, mergeable_ranks=number, special_tokens=special
    )


# The oracle


@pytest.mark.parametrize("seed", range(30))
def test_oracle_cuts_text_as_the_pattern_does(seed: int):
    letters = random.Random(seed).choices(
        "ab Z'sterlvmd12_!.\n\t\r \xa0\u3000é²Ⅷ١ना\u0301ß•\u200b", k=300
    )
    text = "".join(letters)
    assert checks.pre_tokens(text) == regex.findall(right.GPT2_PATTERN, text)
    assert "".join(checks.pre_tokens(TEXT)) == TEXT
    assert checks.pre_tokens(TEXT) == regex.findall(right.GPT2_PATTERN, TEXT)


class Recorder(right.Tokenizer):
    """Keeps what it was made with, and each text that it encoded."""

    seen: list[tuple["Recorder", str]] = []  # noqa: RUF012

    def encode(self, text, allowed_special=()):
        if not allowed_special:
            self.seen.append((self, text))
        return super().encode(text, allowed_special)


def test_oracle_agrees_with_tiktoken_on_every_text_of_the_cases():
    Recorder.seen.clear()
    assert judge(checks.Tokenizer, Recorder).state == "passed"
    compared = 0
    for tok, text in list(Recorder.seen):
        ranks = [tok.ids[left + right] for left, right in tok.merges]
        if ranks != sorted(ranks) or tok.special_tokens:
            continue  # tiktoken takes the lowest id first, whatever the merges say
        theirs = twin(tok, pattern=tok.pattern)
        assert tok.encode(text) == theirs.encode_ordinary(text), (tok.merges, text)
        compared += 1
    assert compared > 100


def test_no_case_uses_characters_that_python_and_regex_may_sort_differently():
    Recorder.seen.clear()
    judge(checks.Tokenizer, Recorder)
    texts = {TEXT, checks.SAMPLE, checks.SCRIPTS, *(text for _, text in Recorder.seen)}
    used = set("".join(texts))
    assert not used & set("\x1c\x1d\x1e\x1f")
    assert "Cn" not in {unicodedata.category(character) for character in used}
    kinds = {"space": r"\s", "letter": r"\p{L}", "number": r"\p{N}"}
    for kind, pattern in kinds.items():
        ours = {character for character in used if checks._sort(character) == kind}
        assert ours == {c for c in used if regex.fullmatch(pattern, c)}


# Exactness


@pytest.mark.parametrize("label", programs("Tokenizer"))
def test_extract_of_gpt2_gives_the_ids_of_tiktoken(label: str):
    tok = programs("Tokenizer")[label](MERGES, [SPECIAL], ids=IDS)
    assert tok.encode(TEXT) == TEXT_IDS
    assert tok.decode(TEXT_IDS) == TEXT


@needs_gpt2
@pytest.mark.parametrize("label", ["Tokenizer", "FastTokenizer"])
def test_all_merges_of_gpt2_give_the_ids_of_tiktoken(label: str):
    from rounds.models import ranks

    encoding = ranks.encoding("gpt2")
    merges = ranks.gpt2_merges()
    tokens = [bytes([i]) for i in range(256)] + [a + b for a, b in merges]
    ids = {token: encoding.encode_single_token(token) for token in tokens}
    ids[SPECIAL.encode()] = encoding.encode_single_token(SPECIAL)
    tok = programs("Tokenizer")[label](merges, [SPECIAL], ids=ids)
    assert tok.encode(TEXT) == encoding.encode_ordinary(TEXT) == TEXT_IDS
    both = f"{SPECIAL}a {SPECIAL} b{SPECIAL}"
    theirs = encoding.encode(both, allowed_special={SPECIAL})
    assert tok.encode(both, {SPECIAL}) == theirs
    assert {ids[token] for token in IDS} <= set(tok.vocab)
    assert [merge for merge in merges if merge in set(MERGES)] == MERGES


@needs_gpt2
def test_extract_is_what_its_script_gives():
    path = DATA / "make_gpt2_extract.py"
    spec = importlib.util.spec_from_file_location("make_gpt2_extract", path)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    committed = (DATA / "gpt2_extract.json").read_text("utf-8")
    assert script.extract() == json.loads(committed)
    assert committed.isascii() and len(committed) < 40_000


@pytest.mark.parametrize("vocab_size", [256, 257, 300, 400, 10_000])
@pytest.mark.parametrize("label", programs("train"))
def test_trained_tokenizer_gives_the_ids_of_tiktoken(label: str, vocab_size: int):
    train = programs("train")[label]
    tok = train(TEXT[:900], vocab_size + 2, special_tokens=["<|a|>", "<|b|>"])
    assert tok.merges == programs("train")["train"](TEXT[:900], vocab_size).merges
    theirs = twin(tok, ("<|a|>", "<|b|>"))
    assert tok.encode(TEXT) == theirs.encode_ordinary(TEXT)
    mixed = f"<|a|> {TEXT[:99]}  <|b|><|a|>é<|c|>"
    allowed = {"<|a|>", "<|b|>"}
    ids = tok.encode(mixed, allowed)
    assert ids == theirs.encode(mixed, allowed_special=allowed, disallowed_special=())
    for cut in range(0, len(ids), 7):  # in the middle of a character, too
        assert tok.decode(ids[cut:]) == theirs.decode(ids[cut:])


@pytest.mark.parametrize("seed", range(20))
def test_fast_forms_do_what_the_references_do(seed: int):
    rng = random.Random(seed)
    letters = rng.choice(["ab", "abc ", "aab ", "é a", "ab1' \n"])
    text = "".join(rng.choices(letters, k=rng.randrange(120)))
    clear = right.train(text, 256 + 30)
    for label, train in programs("train").items():
        assert train(text, 256 + 30).merges == clear.merges, label
    other = "".join(rng.choices(letters, k=200))
    for label, cls in programs("Tokenizer").items():
        assert cls(clear.merges).encode(other) == clear.encode(other), label
    for label, tokenize in programs("tokenize_fast").items():
        assert tokenize(other, clear.merges) == clear.encode(other), label
    assert wrong.slow_tokenize.whole(other, clear.merges) == clear.encode(other)


# What it costs

COSTS = {
    "merges": checks.many_merges(),
    "words": checks.two_words(),
    "letters": checks.long_word(),
}
# By a program, where it is slow.
SLOW = {
    "slow_tokenize": "merges",
    "tokenize_skipping_absent_merges": "merges",
    "tokenize_with_a_table_each_time": "merges",
    "tokenize_without_a_cache": "words",
    "no_cache": "words",
    "tokenize_one_at_a_time": "letters",
}


def as_learners(program: object) -> object:
    """The same program, in a file of a learner's: our own lines are not counted."""
    names = dict(vars(right))
    exec(compile(bank.source(program), "<a learner's cell>", "exec"), names)
    return names[program.__name__]


def lines(program: object, case: str) -> int:
    text, merges, _ = COSTS[case]
    with Lines() as counted:
        program(text, merges)
    return counted.count


@pytest.mark.parametrize("case", COSTS)
@pytest.mark.parametrize("label", programs("tokenize_fast"))
def test_fast_programs_stay_far_below_the_limits(label: str, case: str):
    program = as_learners(programs("tokenize_fast")[label])
    assert 2.5 * lines(program, case) < COSTS[case][2]


@pytest.mark.parametrize("label", SLOW)
def test_slow_programs_are_far_above_the_limit_of_their_case(label: str):
    _, program = bank.wrong(checks.tokenize_fast)[label]
    assert lines(program, SLOW[label]) > 3.5 * COSTS[SLOW[label]][2]


@pytest.mark.parametrize("label", [*SLOW, "tokenize_by_index"])
def test_slow_programs_are_right_in_all_but_their_cost(label: str):
    _, program = bank.wrong(checks.tokenize_fast)[label]
    exercise = checks.tokenize_fast
    done = run.finish(run.attempts(exercise, exercise.cases, program), needs_loop=False)
    stages = {failure.stage for outcome in done for failure in outcome.failures}
    assert stages == {"cost"}


@pytest.mark.parametrize("label", programs("tokenize_fast"))
def test_fast_programs_pass_as_a_learners_own(label: str):
    program = as_learners(programs("tokenize_fast")[label])
    assert judge(checks.tokenize_fast, program).state == "passed"


def test_only_the_fourth_level_asks_for_less_than_n_times_n():
    _, quadratic = bank.wrong(checks.tokenize_fast)["tokenize_one_at_a_time"]
    assert judge(checks.tokenize_fast, quadratic, level=3).state == "passed"


# What is left behind


class Clumsy(right.Tokenizer):
    def save(self, path):
        super().save(path)
        os.chdir("..")
        raise OSError("disk full")


def test_working_folder_is_as_before_whatever_save_does():
    before, names = os.getcwd(), sorted(os.listdir())
    verdict = judge(checks.Tokenizer, Clumsy)
    assert verdict.state == "raised" and "disk full" in verdict.failure.returned
    assert os.getcwd() == before and sorted(os.listdir()) == names


def test_checks_of_bpe_need_neither_tiktoken_nor_the_models():
    import subprocess

    code = (
        "import sys; from rounds import bank, catalog; "
        "[bank.wrong(e) and bank.right(e) for e in catalog.topic('bpe').exercises()]; "
        "found = {'tiktoken', 'gguf', 'rounds.models'} & set(sys.modules); "
        "sys.exit(str(found) if found else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=course_root())


def test_given_code_of_the_page_is_the_slow_program_of_the_bank():
    shown = json.loads((course_root() / "exercises/bpe.ipynb").read_text("utf-8"))
    sources = ["".join(cell["source"]) for cell in shown["cells"]]
    slow = bank.source(wrong.slow_tokenize.whole).rstrip()
    assert slow in sources
    assert any(source.startswith("GPT2_PATTERN") for source in sources)
    names: dict[str, str] = {}
    exec(next(s for s in sources if s.startswith("GPT2_PATTERN")), names)
    assert names["GPT2_PATTERN"] == right.GPT2_PATTERN
    prose = " ".join(" ".join(sources).split())
    for _, _, limit in COSTS.values():
        assert f"{limit:,} lines" in prose
    assert f"{len(COSTS['merges'][1]):,} merges" in prose
