"""Right programs for BPE: the references, then others built differently.

The references are what the solution notebook shows, to the letter.
"""

import heapq
import json
import pickle
import re
import unicodedata
from collections import Counter, defaultdict
from functools import cache, lru_cache, reduce
from itertools import chain, pairwise
from math import inf

import regex

from rounds.bank import alternative

GPT2_PATTERN = (
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
)


def count_pairs(words):
    """How often each two ids stand side by side.

    words: dict from a pre-token, a tuple of ids, to how often it occurs.
    Returns a dict from (left id, right id) to a count: every place inside a word
    counts, also one that overlaps another, and as often as the word occurs. Only
    pairs that occur are in it. The words are left unchanged.
    count_pairs({(1, 1, 1): 2, (1, 5): 3}) is {(1, 1): 4, (1, 5): 3}.
    """
    counts = Counter()
    for word, frequency in words.items():
        for pair in zip(word, word[1:], strict=False):
            counts[pair] += frequency
    return counts


def merge_pair(ids, pair, new_id):
    """Put new_id in the place of every occurrence of a pair.

    ids: tuple or list of ids, left unchanged.   pair: (left id, right id)
    new_id: an id that is not of the pair.
    Goes from left to right; what was merged is not merged again. Returns a tuple.
    merge_pair((1, 1, 1, 2), (1, 1), 9) is (9, 1, 2).
    """
    merged = []
    place = 0
    while place < len(ids):
        if tuple(ids[place : place + 2]) == pair:
            merged.append(new_id)
            place += 2
        else:
            merged.append(ids[place])
            place += 1
    return tuple(merged)


class Tokenizer:
    """Byte-level BPE (Sennrich et al. 2016; on bytes: Radford et al. 2019).

    merges: list of (bytes, bytes), first learned first: a merge's place is its rank.
    special_tokens: texts that are one token each, where `encode` is allowed to.
    pattern: for `regex.findall`, cuts text into pre-tokens; no merge crosses a cut.
    ids: dict from every token's bytes (of a special token, its UTF-8) to its id.
        When None, ids 0 to 255 are the bytes, then come the merges in their order,
        then the special tokens in theirs.
    .merges is a list equal to the one given, .vocab a dict from every id to its
    token's bytes.
    """

    def __init__(self, merges, special_tokens=(), *, pattern=GPT2_PATTERN, ids=None):
        self.merges = list(merges)
        self.special_tokens = list(special_tokens)
        self.pattern = pattern
        tokens = [bytes([byte]) for byte in range(256)]
        tokens += [left + right for left, right in self.merges]
        tokens += [special.encode() for special in self.special_tokens]
        self.ids = ids or {token: i for i, token in enumerate(tokens)}
        self.vocab = {i: token for token, i in self.ids.items()}
        self.ranks = {pair: rank for rank, pair in enumerate(self.merges)}

    def encode(self, text, allowed_special=()):
        """The ids of a text, a list.

        allowed_special: set, list or tuple of str. Special tokens that are in it get
        their own id: the leftmost first, of several at one place the longest. What
        lies between them is encoded as if it stood alone. Entries that are no special
        token are ignored; special tokens that are not in it are plain text.
        """
        specials = [s for s in self.special_tokens if s in allowed_special]
        specials.sort(key=len, reverse=True)  # an alternation takes the first
        cut = "|".join(map(regex.escape, specials))
        parts = regex.split(f"({cut})", text) if specials else [text]
        ids = []
        for place, part in enumerate(parts):
            if place % 2:  # what the group matched
                ids.append(self.ids[part.encode()])
                continue
            for pre_token in regex.findall(self.pattern, part):
                ids += [self.ids[token] for token in self._merged(pre_token.encode())]
        return ids

    def _merged(self, pre_token):
        """The bytes of a pre-token cut into tokens: always the lowest rank first."""
        tokens = tuple(bytes([byte]) for byte in pre_token)
        while len(tokens) > 1:
            pairs = zip(tokens, tokens[1:], strict=False)
            pair = min(pairs, key=lambda pair: self.ranks.get(pair, inf))
            if pair not in self.ranks:
                break
            tokens = merge_pair(tokens, pair, pair[0] + pair[1])
        return tokens

    def decode(self, ids):
        """The text of a list of ids.

        The bytes of all tokens are joined, then read as UTF-8; what is not valid
        becomes U+FFFD. Raises ValueError, which names the id, for an unknown one.
        """
        for i in ids:
            if i not in self.vocab:
                raise ValueError(f"no token has the id {i}")
        joined = b"".join(self.vocab[i] for i in ids)
        return joined.decode("utf-8", errors="replace")

    def save(self, path):
        """Write all that `load` needs to the file `path`, a str."""
        state = {  # latin-1 has a character for each byte
            "merges": [[token.decode("latin-1") for token in m] for m in self.merges],
            "special_tokens": self.special_tokens,
            "pattern": self.pattern,
            "ids": {token.decode("latin-1"): i for token, i in self.ids.items()},
        }
        with open(path, "w", encoding="utf-8") as file:
            json.dump(state, file)

    @classmethod
    def load(cls, path):
        """The tokenizer that was saved in `path`, equal to it in all it does."""
        with open(path, encoding="utf-8") as file:
            state = json.load(file)
        merges = [tuple(t.encode("latin-1") for t in m) for m in state["merges"]]
        ids = {token.encode("latin-1"): i for token, i in state["ids"].items()}
        return cls(merges, state["special_tokens"], pattern=state["pattern"], ids=ids)


def train(text, vocab_size, special_tokens=()):
    """Learn merges from a text (Sennrich et al. 2016, algorithm 1, on bytes).

    vocab_size: how many tokens there may be: 256 bytes, merges, special tokens.
    special_tokens: as in Tokenizer; in the training text they are plain text.
    The text is cut by GPT2_PATTERN. The most frequent pair is merged, of equals the
    smallest (left id, right id), again and again until vocab_size is reached or no
    pair occurs twice. Returns a Tokenizer. ValueError if vocab_size is too small
    for the bytes and the special tokens. train("abcabc", 258).merges is
    [(b"a", b"b"), (b"ab", b"c")].
    """
    n_merges = vocab_size - 256 - len(special_tokens)
    if n_merges < 0:
        raise ValueError(
            f"vocab_size {vocab_size} is less than 256 bytes and "
            f"{len(special_tokens)} special tokens"
        )
    pre_tokens = Counter(regex.findall(GPT2_PATTERN, text))
    words = {tuple(word.encode()): n for word, n in pre_tokens.items()}
    tokens = [bytes([byte]) for byte in range(256)]
    merges = []
    for new_id in range(256, 256 + n_merges):
        counts = count_pairs(words)
        pair = min(counts, key=lambda pair: (-counts[pair], pair), default=None)
        if pair is None or counts[pair] < 2:
            break
        left, right = tokens[pair[0]], tokens[pair[1]]
        merges.append((left, right))
        tokens.append(left + right)
        words = {merge_pair(word, pair, new_id): n for word, n in words.items()}
    return Tokenizer(merges, special_tokens)


def tokenize_fast(text, merges):
    """What slow_tokenize(text, merges) returns, in far fewer steps.

    Building tables from the merges takes a step or so for each. After that, merges
    that do not apply cost nothing, a pre-token that came before costs next to
    nothing, and one of n bytes takes about n log n steps, not n * n.
    """
    id_of = {bytes([byte]): byte for byte in range(256)}
    merged = {}  # two ids side by side -> the id of both; the lower, the sooner
    for new_id, (left, right) in enumerate(merges, start=256):
        merged[id_of[left], id_of[right]] = new_id
        id_of[left + right] = new_id

    def encode(pre_token):
        ids = [*pre_token, None]  # None: past the end, or merged into the left
        end = len(pre_token)
        before, after = list(range(-1, end)), list(range(1, end + 2))
        queue = []

        def offer(place):
            new_id = merged.get((ids[place], ids[after[place]]))
            if new_id is not None:
                heapq.heappush(queue, (new_id, place))

        for place in range(end):
            offer(place)
        while queue:
            new_id, left = heapq.heappop(queue)
            right = after[left]
            # What was pushed may be gone: a neighbour was merged in the meantime.
            if ids[left] is None or merged.get((ids[left], ids[right])) != new_id:
                continue
            ids[left], ids[right] = new_id, None
            after[left] = after[right]
            before[after[left]] = left
            offer(left)
            if before[left] >= 0:
                offer(before[left])
        return [i for i in ids if i is not None]

    cache = {}
    ids = []
    for pre_token in regex.findall(GPT2_PATTERN, text):
        if pre_token not in cache:
            cache[pre_token] = encode(pre_token.encode())
        ids += cache[pre_token]
    return ids


# Cuts as GPT2_PATTERN does, a fifth faster: the space before a word is tried once.
QUICK_PATTERN = (
    r"'(?:[sdmt]|ll|ve|re)| ?(?:\p{L}+|\p{N}+|[^\s\p{L}\p{N}]+)|\s+(?!\S)|\s+"
)


class Ranks(dict):
    """From two ids side by side to the rank of their merge; inf where there is none."""

    def __missing__(self, pair):
        return inf


class Pieces(dict):
    """The ids of every pre-token met so far; a new one is merged when it is looked
    up. A dict's own lookup, since a call of Python's for each word would cost more
    than all merging."""

    def __init__(self, merges, id_of):
        super().__init__()
        self.bytes = [id_of[bytes([byte])] for byte in range(256)]
        pairs = [(id_of[left], id_of[right]) for left, right in merges]
        self.ranks = Ranks((pair, rank) for rank, pair in enumerate(pairs))
        self.made = [id_of[left + right] for left, right in merges]

    def __missing__(self, pre_token):
        ids = [self.bytes[byte] for byte in pre_token.encode()]
        rank_of = self.ranks.__getitem__
        ranks = list(map(rank_of, pairwise(ids)))
        while ranks and (lowest := min(ranks)) < inf:
            place = ranks.index(lowest)
            ids[place] = self.made[lowest]
            del ids[place + 1], ranks[place]
            # Only the merged token's own two pairs are new.
            if place:
                ranks[place - 1] = rank_of((ids[place - 1], ids[place]))
            if place < len(ranks):
                ranks[place] = rank_of((ids[place], ids[place + 1]))
        self[pre_token] = done = tuple(ids)
        return done


@alternative("Tokenizer")
class FastTokenizer:
    """Each distinct pre-token is merged once; the rest is loops inside C."""

    def __init__(self, merges, special_tokens=(), *, pattern=GPT2_PATTERN, ids=None):
        self.merges = list(merges)
        self.special_tokens = list(special_tokens)
        self.pattern = pattern
        tokens = [bytes([byte]) for byte in range(256)]
        tokens += [left + right for left, right in self.merges]
        tokens += [special.encode() for special in self.special_tokens]
        self.ids = ids or {token: i for i, token in enumerate(tokens)}
        self.vocab = {i: token for token, i in self.ids.items()}
        self.pieces = Pieces(self.merges, self.ids)
        quick = QUICK_PATTERN if pattern == GPT2_PATTERN else pattern
        self.split = regex.compile(quick).findall

    def encode(self, text, allowed_special=()):
        specials = [s for s in self.special_tokens if s in allowed_special]
        if not specials:
            return self.encode_ordinary(text)
        specials.sort(key=len, reverse=True)
        ids = []
        start = 0
        for match in regex.finditer("|".join(map(regex.escape, specials)), text):
            ids += self.encode_ordinary(text[start : match.start()])
            ids.append(self.ids[match[0].encode()])
            start = match.end()
        return ids + self.encode_ordinary(text[start:])

    def encode_ordinary(self, text):
        """The ids of a text without special tokens."""
        words = map(self.pieces.__getitem__, self.split(text))
        return list(chain.from_iterable(words))

    def decode(self, ids):
        try:
            joined = b"".join([self.vocab[i] for i in ids])
        except KeyError as error:
            raise ValueError(f"no token has the id {error.args[0]}") from None
        return joined.decode("utf-8", errors="replace")

    def save(self, path):
        state = {
            "merges": [[left.hex(), right.hex()] for left, right in self.merges],
            "special_tokens": self.special_tokens,
            "pattern": self.pattern,
            "ids": {token.hex(): i for token, i in self.ids.items()},
        }
        with open(path, "w", encoding="utf-8") as file:
            json.dump(state, file)

    @classmethod
    def load(cls, path):
        with open(path, encoding="utf-8") as file:
            state = json.load(file)
        return cls(
            [(bytes.fromhex(a), bytes.fromhex(b)) for a, b in state["merges"]],
            state["special_tokens"],
            pattern=state["pattern"],
            ids={bytes.fromhex(token): i for token, i in state["ids"].items()},
        )


@alternative("train")
def train_incremental(text, vocab_size, special_tokens=()):
    """Only the words that a merge touches are looked at again: counts are kept, an
    index says where each pair is, and the most frequent comes off a heap. A word is a
    string whose characters are ids, so that C finds the pair and joins it."""
    n_merges = vocab_size - 256 - len(special_tokens)
    if n_merges < 0:
        raise ValueError(f"vocab_size {vocab_size} leaves no room for bytes, specials")
    pre_tokens = Counter(regex.findall(QUICK_PATTERN, text))
    words = [word.encode().decode("latin-1") for word in pre_tokens]
    frequencies = list(pre_tokens.values())
    counts = defaultdict(int)
    where = defaultdict(set)  # pair -> numbers of the words that have it, or had it
    for number, word in enumerate(words):
        for left, right in pairwise(word):
            counts[left + right] += frequencies[number]
            where[left + right].add(number)
    queue = [(-count, pair) for pair, count in counts.items() if count > 1]
    heapq.heapify(queue)
    tokens = [bytes([byte]) for byte in range(256)]
    merges = []
    while queue and len(merges) < n_merges:
        count, pair = heapq.heappop(queue)
        # A count only falls once its pair is queued, so that the entry is brought up
        # to date when it comes to the top.
        if -count != counts[pair]:
            if counts[pair] > 1:
                heapq.heappush(queue, (-counts[pair], pair))
            continue
        left, right = pair
        new = chr(len(tokens))
        merges.append((tokens[ord(left)], tokens[ord(right)]))
        tokens.append(b"".join(merges[-1]))
        fresh = set()
        for number in where.pop(pair):
            parts = words[number].split(pair)
            words[number] = new.join(parts)
            frequency = frequencies[number]
            before = parts[0]
            for place, after in enumerate(parts[1:]):
                if before:
                    old, made = before[-1] + left, before[-1] + new
                else:  # another merge stands right before, or nothing at all
                    old, made = (right + left, new + new) if place else ("", "")
                if made:
                    counts[old] -= frequency
                    counts[made] += frequency
                    where[made].add(number)
                    fresh.add(made)
                if after:
                    made = new + after[0]
                    counts[right + after[0]] -= frequency
                    counts[made] += frequency
                    where[made].add(number)
                    fresh.add(made)
                before = after
        del counts[pair]
        for pair in fresh:
            if counts[pair] > 1:
                heapq.heappush(queue, (-counts[pair], pair))
    return Tokenizer(merges, special_tokens)


@alternative("train")
def train_linked(text, vocab_size, special_tokens=()):
    """All distinct words in one linked list of places, -1 between them; the index
    holds places, so that a merge touches nothing but the pair's neighbours."""
    if vocab_size < 256 + len(special_tokens):
        raise ValueError(f"vocab_size {vocab_size} is too small")
    ids, weights = [-1], [0]
    for word, frequency in Counter(regex.findall(GPT2_PATTERN, text)).items():
        ids += [*word.encode(), -1]
        weights += [frequency] * (len(ids) - len(weights))
    before, after = list(range(-1, len(ids))), list(range(1, len(ids) + 1))
    counts, places = defaultdict(int), defaultdict(list)
    for place, pair in enumerate(pairwise(ids)):
        if -1 not in pair:
            counts[pair] += weights[place]
            places[pair].append(place)
    queue = [(-count, pair) for pair, count in counts.items()]
    heapq.heapify(queue)
    vocab = {i: bytes([i]) for i in range(256)}
    merges = []
    while queue and len(vocab) + len(special_tokens) < vocab_size:
        count, (a, b) = heapq.heappop(queue)
        now = counts[a, b]
        if now < 2:
            continue
        if now != -count:
            heapq.heappush(queue, (-now, (a, b)))
            continue
        new = len(vocab)
        vocab[new] = vocab[a] + vocab[b]
        merges.append((vocab[a], vocab[b]))
        touched = set()
        for i in places.pop((a, b)):
            j = after[i]
            if ids[i] != a or ids[j] != b:
                continue
            h, k, weight = before[i], after[j], weights[i]
            ids[i], ids[j] = new, -2
            after[i], before[k] = k, i
            for old, made, at in (
                ((ids[h], a), (ids[h], new), h),
                ((b, ids[k]), (new, ids[k]), i),
            ):
                if -1 not in made:
                    counts[old] -= weight
                    counts[made] += weight
                    places[made].append(at)
                    touched.add(made)
        counts[a, b] = 0
        for pair in touched:
            heapq.heappush(queue, (-counts[pair], pair))
    return Tokenizer(merges, special_tokens)


@alternative("train")
def train_flat(text, vocab_size, special_tokens=()):
    """One list of ids for the whole text, None between pre-tokens."""
    if vocab_size - len(special_tokens) < 256:
        raise ValueError("no room for all bytes and special tokens")
    ids = []
    for word in regex.findall(GPT2_PATTERN, text):
        ids.extend(word.encode("utf-8"))
        ids.append(None)
    vocab = [bytes((i,)) for i in range(256)]
    merges = []
    while len(vocab) + len(special_tokens) < vocab_size:
        counts = {}
        for i in range(len(ids) - 1):
            if ids[i] is not None and ids[i + 1] is not None:
                pair = (ids[i], ids[i + 1])
                counts[pair] = counts.get(pair, 0) + 1
        best = sorted(counts, key=lambda pair: (-counts[pair], pair))[:1]
        if not best or counts[best[0]] == 1:
            break
        a, b = best[0]
        i, shorter = 0, []
        while i < len(ids):
            if i + 1 < len(ids) and ids[i] == a and ids[i + 1] == b:
                shorter.append(len(vocab))
                i += 2
            else:
                shorter.append(ids[i])
                i += 1
        ids = shorter
        merges.append((vocab[a], vocab[b]))
        vocab.append(vocab[a] + vocab[b])
    return Tokenizer(merges, special_tokens)


@alternative("train")
def train_by_replace(text, vocab_size, special_tokens=()):
    """Ids as characters: str.replace goes from left to right without overlaps too."""
    room = vocab_size - 256 - len(special_tokens)
    if room < 0:
        raise ValueError(f"{vocab_size} tokens cannot hold 256 bytes and the specials")
    border = chr(0x10FFFF)
    words = (w.encode().decode("latin-1") for w in regex.findall(GPT2_PATTERN, text))
    line = border.join(words)
    vocab = [bytes([i]) for i in range(256)]
    merges = []
    for _ in range(room):
        counts = Counter(a + b for a, b in pairwise(line) if border not in (a, b))
        if not counts:
            break
        most = max(counts.values())
        if most < 2:
            break
        pair = min(pair for pair, count in counts.items() if count == most)
        line = line.replace(pair, chr(len(vocab)))
        merges.append(tuple(vocab[ord(character)] for character in pair))
        vocab.append(b"".join(merges[-1]))
    return Tokenizer(merges, special_tokens=tuple(special_tokens))


@alternative("count_pairs")
def count_pairs_by_index(words):
    counts = {}
    for word in words:
        for i in range(len(word) - 1):
            pair = (word[i], word[i + 1])
            counts[pair] = counts.get(pair, 0) + words[word]
    return counts


@alternative("count_pairs")
def count_pairs_word_by_word(words):
    """Each word's own pairs first, then as often as the word occurs."""
    total = defaultdict(int)
    for word, frequency in words.items():
        for pair, times in Counter(pairwise(word)).items():
            total[pair] += times * frequency
    return dict(total)


@alternative("count_pairs")
def count_pairs_by_sorting(words):
    pairs = []
    for word, frequency in words.items():
        pairs += list(pairwise(word)) * frequency
    pairs.sort()
    counts = {}
    for pair in pairs:
        if pair not in counts:
            counts[pair] = 0
        counts[pair] += 1
    return counts


@alternative("merge_pair")
def merge_pair_from_a_stack(ids, pair, new_id):
    """The stack holds what was read; a merge takes its top back."""
    done, fresh = [], False
    for i in ids:
        if done and not fresh and (done[-1], i) == tuple(pair):
            done[-1], fresh = new_id, True  # what was merged is not merged again
        else:
            done.append(i)
            fresh = False
    return tuple(done)


@alternative("merge_pair")
def merge_pair_by_iterator(ids, pair, new_id):
    def merged():
        rest = iter(ids)
        held = []
        for i in rest:
            if held and (held[0], i) == pair:
                held.clear()
                yield new_id
            else:
                yield from held
                held[:] = [i]
        yield from held

    return tuple(merged())


@alternative("merge_pair")
def merge_pair_in_place_from_the_left(ids, pair, new_id):
    ids = list(ids)
    i = 0
    while i < len(ids) - 1:
        if ids[i] == pair[0] and ids[i + 1] == pair[1]:
            ids[i : i + 2] = [new_id]
        i += 1
    return tuple(ids)


@alternative("merge_pair")
def merge_pair_as_text(ids, pair, new_id):
    """With a mark on either side of each id, so that 1 does not match in 11."""
    text = "".join(f"<{i}>" for i in ids)
    text = text.replace("<{}><{}>".format(*pair), f"<{new_id}>")
    return tuple(int(i) for i in text[1:-1].split("><")) if text else ()


@alternative("merge_pair")
def merge_pair_by_fold(ids, pair, new_id):
    def step(state, i):
        done, held = state
        if held == [pair[0]] and i == pair[1]:
            return [*done, new_id], []
        return done + held, [i]

    done, held = reduce(step, ids, ([], []))
    return tuple(done + held)


@alternative("Tokenizer")
class TokenizerOnIds:
    """Pairs of ids instead of bytes; numbered anew only when they leave."""

    def __init__(self, merges, special_tokens=(), *, pattern=GPT2_PATTERN, ids=None):
        self.merges, self.special_tokens = merges, tuple(special_tokens)
        self.pattern, self.given = pattern, ids
        own = {bytes((i,)): i for i in range(256)}
        self.rules = {}
        for left, right in merges:
            new = 256 + len(self.rules)
            self.rules[own[left], own[right]] = new
            own[left + right] = new
        self.out = [own[token] if ids is None else ids[token] for token in own]
        self.vocab = dict(zip(self.out, own, strict=True))
        self.special_ids = {}
        for text in self.special_tokens:
            i = len(self.vocab) if ids is None else ids[text.encode()]
            self.special_ids[text] = i
            self.vocab[i] = text.encode()

    def encode(self, text, allowed_special=()):
        result, start = [], 0
        here = 0
        allowed = [t for t in allowed_special if t in self.special_ids]
        while here < len(text):
            found = max(
                (t for t in allowed if text.startswith(t, here)), key=len, default=""
            )
            if not found:
                here += 1
                continue
            result += self._plain(text[start:here]) + [self.special_ids[found]]
            here += len(found)
            start = here
        return result + self._plain(text[start:])

    def _plain(self, text):
        result = []
        for word in regex.finditer(self.pattern, text):
            ids = list(word.group().encode("utf8"))
            while True:
                found = [self.rules[p] for p in set(pairwise(ids)) if p in self.rules]
                if not found:
                    break
                new = min(found)
                i = 0
                while i < len(ids) - 1:
                    if self.rules.get((ids[i], ids[i + 1])) == new:
                        ids[i : i + 2] = [new]
                    i += 1
            result += [self.out[i] for i in ids]
        return result

    def decode(self, ids):
        unknown = [i for i in ids if i not in self.vocab]
        if unknown:
            raise ValueError(f"unknown ids: {unknown}")
        return bytes(chain.from_iterable(self.vocab[i] for i in ids)).decode(
            errors="replace"
        )

    def save(self, path):
        state = (self.merges, self.special_tokens, self.pattern, self.given)
        with open(path, "wb") as file:
            pickle.dump(state, file)

    @classmethod
    def load(cls, path):
        with open(path, "rb") as file:
            merges, special_tokens, pattern, ids = pickle.load(file)
        return cls(merges, special_tokens, pattern=pattern, ids=ids)


@alternative("Tokenizer")
class TokenizerByJoinedBytes:
    """As tiktoken does it: what is looked up is the bytes of both, not the pair."""

    def __init__(self, merges, special_tokens=(), *, pattern=GPT2_PATTERN, ids=None):
        self.merges = [*merges]
        self.specials = list(special_tokens)
        self.pattern = pattern
        self.rank = {bytes([i]): i - 256 for i in range(256)}
        self.rank |= {a + b: rank for rank, (a, b) in enumerate(merges)}
        everything = [*self.rank, *(text.encode() for text in self.specials)]
        self.number = {token: i for i, token in enumerate(everything)}
        if ids is not None:
            self.number = dict(ids)
        self.vocab = {self.number[token]: token for token in everything}
        self.word = lru_cache(maxsize=None)(self._word)

    def encode(self, text, allowed_special=()):
        ids = []
        while text:
            found = [
                (text.index(special), -len(special), special)
                for special in self.specials
                if special in allowed_special and special in text
            ]
            at, _, special = min(found, default=(len(text), 0, ""))
            for word in regex.findall(self.pattern, text[:at]):
                ids.extend(self.word(word))
            if special:
                ids.append(self.number[special.encode()])
            text = text[at + len(special) :]
        return ids

    def _word(self, word):
        data = word.encode()
        if data in self.rank:
            return [self.number[data]]
        cuts = list(range(len(data) + 1))
        while len(cuts) > 2:
            ranks = [
                self.rank.get(data[a:b], inf)
                for a, b in zip(cuts, cuts[2:], strict=False)
            ]
            lowest = min(ranks)
            if lowest == inf:
                break
            del cuts[ranks.index(lowest) + 1]
        return [self.number[data[a:b]] for a, b in pairwise(cuts)]

    def decode(self, ids):
        data = bytearray()
        for i in ids:
            if i not in self.vocab:
                raise ValueError(f"id {i} is not in the vocabulary")
            data += self.vocab[i]
        return str(data, "utf-8", "replace")

    def save(self, path):
        numbers = [(list(token), i) for token, i in self.number.items()]
        merges = [(list(a), list(b)) for a, b in self.merges]
        with open(path, "w") as file:
            file.write(repr((merges, self.specials, self.pattern, numbers)))

    @classmethod
    def load(cls, path):
        from ast import literal_eval

        with open(path) as file:
            merges, specials, pattern, numbers = literal_eval(file.read())
        return cls(
            [(bytes(a), bytes(b)) for a, b in merges],
            specials,
            pattern=pattern,
            ids={bytes(token): i for token, i in numbers},
        )


@alternative("Tokenizer")
class TokenizerMergeByMerge:
    """Every merge in turn over the whole text; the GPT-2 pattern without regex."""

    def __init__(self, merges, special_tokens=(), *, pattern=GPT2_PATTERN, ids=None):
        self.merges, self.special_tokens = list(merges), list(special_tokens)
        self.pattern, self.ids = pattern, ids
        tokens = [bytes([i]) for i in range(256)]
        for left, right in merges:
            tokens.append(left + right)
        for text in special_tokens:
            tokens.append(text.encode("utf-8"))
        if ids is None:
            ids = dict(zip(tokens, range(len(tokens)), strict=True))
        self.to_id = ids
        self.vocab = {ids[token]: token for token in tokens}

    def encode(self, text, allowed_special=()):
        chosen = sorted(set(allowed_special) & set(self.special_tokens), key=len)[::-1]
        if not chosen:
            return self._encode_plain(text)
        ids = []
        pattern = "|".join(re.escape(special) for special in chosen)
        while match := re.search(pattern, text):
            ids += self._encode_plain(text[: match.start()])
            ids += [self.to_id[match.group().encode()]]
            text = text[match.end() :]
        return ids + self._encode_plain(text)

    def _encode_plain(self, text):
        tokens = []
        for pre_token in self._split(text):
            tokens += [bytes([i]) for i in pre_token.encode()] + [None]
        for left, right in self.merges:
            if left not in tokens:
                continue
            merged, i = [], 0
            while i < len(tokens):
                if tokens[i] == left and tokens[i + 1 : i + 2] == [right]:
                    merged.append(left + right)
                    i += 2
                else:
                    merged.append(tokens[i])
                    i += 1
            tokens = merged
        return [self.to_id[token] for token in tokens if token is not None]

    def _split(self, text):
        if self.pattern != GPT2_PATTERN:
            return regex.findall(self.pattern, text)

        def kind(character):
            if character.isspace():
                return "space"
            category = unicodedata.category(character)[0]
            return category if category in "LN" else "other"

        def run(start, wanted):
            while start < len(text) and kind(text[start]) == wanted:
                start += 1
            return start

        pieces, i = [], 0
        while i < len(text):
            short = re.match("'(s|t|re|ve|m|ll|d)", text[i:])
            first = i + (text[i] == " " and i + 1 < len(text))
            if short:
                end = i + short.end()
            elif kind(text[first]) != "space":
                end = run(first, kind(text[first]))
            else:
                end = run(i, "space")
                if end < len(text) and end - i > 1:
                    end -= 1
            pieces.append(text[i:end])
            i = end
        return pieces

    def decode(self, ids):
        parts = []
        for i in ids:
            token = self.vocab.get(i)
            if token is None:
                raise ValueError(f"{i} is no id of this tokenizer")
            parts.append(token)
        return b"".join(parts).decode("utf-8", "replace")

    def save(self, path):
        import base64

        def text(token):
            return base64.b64encode(token).decode()

        with open(path, "w", encoding="utf-8") as file:
            json.dump([self.pattern, self.special_tokens], file)
            file.write("\n")
            for left, right in self.merges:
                file.write(f"{text(left)} {text(right)}\n")
            file.write("\n")
            for token, i in self.to_id.items():
                file.write(f"{text(token)} {i}\n")

    @classmethod
    def load(cls, path):
        import base64

        with open(path, encoding="utf-8") as file:
            head, *lines = file.read().splitlines()
        pattern, special_tokens = json.loads(head)
        cut = lines.index("")
        merges = [tuple(map(base64.b64decode, line.split())) for line in lines[:cut]]
        rows = (line.split() for line in lines[cut + 1 :])
        ids = {base64.b64decode(token): int(i) for token, i in rows}
        return cls(merges, special_tokens, pattern=pattern, ids=ids)


@alternative("tokenize_fast")
def tokenize_all_of_the_lowest_at_once(text, merges):
    """As in GPT-2's own encoder: a round for each merge that applies."""
    ranks = {pair: rank for rank, pair in enumerate(merges)}
    numbers = {bytes([i]): i for i in range(256)}
    for rank, (left, right) in enumerate(merges):
        numbers[left + right] = 256 + rank

    @cache
    def encode(word):
        parts = [bytes([i]) for i in word.encode()]
        while len(parts) > 1:
            pair = min(pairwise(parts), key=lambda pair: ranks.get(pair, inf))
            if pair not in ranks:
                break
            merged = []
            i = 0
            while i < len(parts):
                if i + 1 < len(parts) and (parts[i], parts[i + 1]) == pair:
                    merged.append(parts[i] + parts[i + 1])
                    i += 2
                else:
                    merged.append(parts[i])
                    i += 1
            parts = merged
        return [numbers[part] for part in parts]

    return [i for word in regex.findall(GPT2_PATTERN, text) for i in encode(word)]


@alternative("tokenize_fast")
def tokenize_with_ranks_kept(text, merges):
    """A list of the pairs' ranks beside the tokens; its search is a loop in C."""
    id_of = {bytes([i]): i for i in range(256)}
    id_of.update((a + b, i) for i, (a, b) in enumerate(merges, start=256))
    pieces = Pieces(merges, id_of)
    found = map(pieces.__getitem__, regex.findall(GPT2_PATTERN, text))
    return list(chain.from_iterable(found))


@alternative("tokenize_fast")
def tokenize_distinct_words_first(text, merges):
    """Each distinct word once, through a heap of joined bytes, then the text."""
    rank = {left + right: 256 + i for i, (left, right) in enumerate(merges)}
    words = regex.findall(GPT2_PATTERN, text)
    table = {}
    for word in set(words):
        data = word.encode()
        size = len(data)
        ends = list(range(1, size + 1))  # of the token that starts at each place
        starts = list(range(size))  # of the token that ends after each place
        alive = [True] * size
        heap = [
            (rank[data[i : i + 2]], i, i + 2)
            for i in range(size - 1)
            if data[i : i + 2] in rank
        ]
        heapq.heapify(heap)
        while heap:
            _, i, stop = heapq.heappop(heap)
            if not alive[i] or ends[i] >= size or ends[ends[i]] != stop:
                continue
            alive[ends[i]] = False
            ends[i] = stop
            starts[stop - 1] = i
            if stop < size and (r := rank.get(data[i : ends[stop]])):
                heapq.heappush(heap, (r, i, ends[stop]))
            if i and (r := rank.get(data[starts[i - 1] : stop])):
                heapq.heappush(heap, (r, starts[i - 1], stop))
        pieces = []
        i = 0
        while i < size:
            token = data[i : ends[i]]
            pieces.append(token[0] if len(token) == 1 else rank[token])
            i = ends[i]
        table[word] = pieces
    return [i for word in words for i in table[word]]
