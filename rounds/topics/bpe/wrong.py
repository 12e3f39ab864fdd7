"""Wrong programs for BPE: the mistakes that people really make.

The sentence of each is what the learner reads: what is seen, why, an input where
it shows; never the code.
"""

import json
import re
from collections import Counter, defaultdict
from functools import cache, lru_cache
from itertools import combinations, pairwise
from math import inf

import numpy as np
import regex

from rounds.bank import edit, mistake
from rounds.topics.bpe.right import (
    GPT2_PATTERN,
    Tokenizer,
    count_pairs,
    merge_pair,
    train,
)

# count_pairs


frequency_ignored = edit(
    "count_pairs",
    "frequency-ignored",
    "Each word was counted once, however often it occurs. Its pairs count as often as "
    "the word: in {(1, 2): 3} the pair (1, 2) occurs three times.",
    "counts[pair] += frequency",
    "counts[pair] += 1",
)


@mistake("count_pairs", "frequency-ignored")
def count_pairs_of_the_keys(words):
    return dict(Counter(pair for word in words for pair in pairwise(word)))


@mistake(
    "count_pairs",
    "once-per-word",
    "A pair that occurs twice in one word was counted once: in (1, 2, 1, 2) the pair "
    "(1, 2) occurs twice, and so does each pair that repeats.",
)
def count_pairs_in_a_set(words):
    counts = defaultdict(int)
    for word, frequency in words.items():
        for pair in set(pairwise(word)):
            counts[pair] += frequency
    return dict(counts)


@mistake("count_pairs", "once-per-word")
def count_pairs_seen_before(words):
    counts = {}
    for word, frequency in words.items():
        seen = []
        for i in range(len(word) - 1):
            pair = word[i], word[i + 1]
            if pair not in seen:
                seen.append(pair)
                counts[pair] = counts.get(pair, 0) + frequency
    return counts


@mistake(
    "count_pairs",
    "overlaps-skipped",
    "Occurrences that overlap were left out. Every place counts: in (1, 1, 1, 1) the "
    "pair (1, 1) stands at three places, not two. (Merging is what does not overlap.)",
)
def count_pairs_without_overlap(words):
    counts = defaultdict(int)
    for word, frequency in words.items():
        last = None
        for pair in pairwise(word):
            if pair == last:
                last = None  # this place is taken
                continue
            counts[pair] += frequency
            last = pair if pair[0] == pair[1] else None
    return dict(counts)


@mistake("count_pairs", "overlaps-skipped")
def count_pairs_as_merging_would(words):
    counts = {}
    for word, frequency in words.items():
        for pair in set(pairwise(word)):
            merged = len(word) - len(merge_pair(word, pair, -1))
            counts[pair] = counts.get(pair, 0) + merged * frequency
    return counts


@mistake(
    "count_pairs",
    "every-second-pair",
    "Only the pairs at even places were counted, as if the word were cut into twos. "
    "In (1, 2, 3) the pair (2, 3) counts too.",
)
def count_pairs_two_by_two(words):
    counts = Counter()
    for word, frequency in words.items():
        for i in range(0, len(word) - 1, 2):
            counts[word[i], word[i + 1]] += frequency
    return counts


@mistake("count_pairs", "every-second-pair")
def count_pairs_of_a_used_up_iterator(words):
    counts = Counter()
    for word, frequency in words.items():
        rest = iter(word)
        for pair in zip(rest, rest, strict=False):
            counts[pair] += frequency
    return counts


order_lost = edit(
    "count_pairs",
    "order-lost",
    "(1, 2) and (2, 1) were counted together. A pair has a left and a right id, since "
    "only one of the two orders will be merged.",
    "counts[pair]",
    "counts[tuple(sorted(pair))]",
)


@mistake(
    "count_pairs",
    "across-words",
    "The last id of one word was paired with the first of the next. Words are "
    "pre-tokens, and nothing crosses their borders: {(1, 2): 1, (3, 4): 1} has no "
    "(2, 3).",
)
def count_pairs_of_all_words_in_a_row(words):
    ids = [i for word, n in words.items() for _ in range(n) for i in word]
    return dict(Counter(pairwise(ids)))


@mistake("count_pairs", "across-words")
def count_pairs_with_a_memory(words):
    counts = Counter()
    before = None
    for word, frequency in words.items():
        for i in word:
            if before is not None:
                counts[before, i] += frequency
            before = i
    return counts


@mistake(
    "count_pairs",
    "last-pair-missed",
    "The last pair of each word is missing: in (1, 2, 3) the pair (2, 3) counts too, "
    "and a word of two ids has one pair.",
)
def count_pairs_one_too_few(words):
    counts = Counter()
    for word, frequency in words.items():
        for i in range(len(word) - 2):
            counts[word[i], word[i + 1]] += frequency
    return counts


@mistake("count_pairs", "last-pair-missed")
def count_pairs_without_the_end(words):
    counts = Counter()
    for word, frequency in words.items():
        for pair in pairwise(word[:-1]):
            counts[pair] += frequency
    return counts


first_pair_missed = edit(
    "count_pairs",
    "first-pair-missed",
    "The first pair of each word is missing: in (1, 2, 3) the pair (1, 2) counts too.",
    "zip(word, word[1:], strict=False)",
    "zip(word[1:], word[2:], strict=False)",
)

assigned = edit(
    "count_pairs",
    "not-added-up",
    "A pair's count is that of the last word that has it; those before were "
    "overwritten. Counts add up, within a word and over all words.",
    "counts[pair] += frequency",
    "counts[pair] = frequency",
)


@mistake(
    "count_pairs",
    "kept-between-calls",
    "The second call still has the counts of the first: they were kept in something "
    "that outlives the call, as a default argument does.",
)
def count_pairs_into_a_default(words, counts=defaultdict(int)):  # noqa: B006, B008
    for word, frequency in words.items():
        for pair in pairwise(word):
            counts[pair] += frequency
    return dict(counts)


@mistake("count_pairs", "kept-between-calls")
def count_pairs_that_returns_its_default(words, counts=Counter()):  # noqa: B006, B008
    for word, frequency in words.items():
        for pair in pairwise(word):
            counts[pair] += frequency
    return counts


@mistake(
    "count_pairs",
    "last-with-first",
    "The last id of a word was paired with its first, as if the word were a ring: "
    "index -1 is the end. (1, 2, 3) has no pair (3, 1).",
)
def count_pairs_in_a_ring(words):
    counts = Counter()
    for word, frequency in words.items():
        for i in range(len(word)):
            if len(word) > 1:
                counts[word[i - 1], word[i]] += frequency
    return counts


@mistake(
    "count_pairs",
    "not-neighbours",
    "Any two ids of a word were paired, whatever stands between them. Only neighbours "
    "can be merged: (1, 2, 3) has no pair (1, 3).",
)
def count_pairs_at_any_distance(words):
    counts = Counter()
    for word, frequency in words.items():
        for pair in combinations(word, 2):
            counts[pair] += frequency
    return counts


rare_dropped = edit(
    "count_pairs",
    "rare-pairs-dropped",
    "Pairs that occur once are missing. When to stop is for training to decide; the "
    "counts are of all pairs that occur.",
    "    return counts\n",
    "    return {pair: count for pair, count in counts.items() if count > 1}\n",
)


@mistake(
    "count_pairs",
    "only-bytes",
    "Ids above 255 fail. After the first merge there are more ids than bytes: the pair "
    "(0, 256) is one like any other.",
)
def count_pairs_in_a_matrix(words):
    counts = np.zeros((256, 256), dtype=int)
    for word, frequency in words.items():
        for left, right in pairwise(word):
            counts[left, right] += frequency
    return {
        (int(left), int(right)): int(counts[left, right])
        for left, right in np.argwhere(counts)
    }


zero_dropped = edit(
    "count_pairs",
    "zero-taken-for-nothing",
    "Pairs with the id 0 are missing. 0 is false in Python, and it is the id of a "
    "byte: (0, 0) is a pair.",
    "            counts[pair] += frequency",
    "            if all(pair):\n                counts[pair] += frequency",
)

sorted_list = edit(
    "count_pairs",
    "not-a-dict",
    "A list of pairs with their counts came back. A dict is due, so that the count of "
    "a pair can be looked up.",
    "return counts\n",
    "return counts.most_common()\n",
)


@mistake("count_pairs", "not-added-up")
def count_pairs_of_the_last_word(words):
    counts = {}
    for word, frequency in words.items():
        for pair, times in Counter(pairwise(word)).items():
            counts[pair] = times * frequency
    return counts


@mistake("count_pairs", "zero-taken-for-nothing")
def count_pairs_where_zero_is_nothing(words):
    counts = Counter()
    for word, frequency in words.items():
        left = None
        for right in word:
            if left:
                counts[left, right] += frequency
            left = right
    return counts


@mistake(
    "count_pairs",
    "too-deep",
    "A long word ends in a RecursionError: the function calls itself for each pair, "
    "and Python allows about a thousand calls inside one another.",
)
def count_pairs_that_calls_itself(words):
    counts = Counter()

    def count(word, place, frequency):
        if place + 1 < len(word):
            counts[word[place], word[place + 1]] += frequency
            count(word, place + 1, frequency)

    for word, frequency in words.items():
        count(word, 0, frequency)
    return counts


# merge_pair


@mistake(
    "merge_pair",
    "overlaps-merged",
    "An id was used in two merges. Of (1, 1, 1) with the pair (1, 1) the first two "
    "become the new id, and the third stays as it is: (9, 1).",
    seen_in="karpathy/minbpe #38",
)
def merge_pair_everywhere_at_once(ids, pair, new_id):
    starts = [i for i, here in enumerate(pairwise(ids)) if here == pair]
    merged = list(ids)
    for i in reversed(starts):
        merged[i : i + 2] = [new_id]
    return tuple(merged)


@mistake("merge_pair", "overlaps-merged")
def merge_pair_by_mask(ids, pair, new_id):
    ids = np.array(ids, dtype=int)
    if len(ids) < 2:
        return tuple(int(i) for i in ids)
    hit = (ids[:-1] == pair[0]) & (ids[1:] == pair[1])
    ids[:-1][hit] = new_id
    keep = np.append(True, ~hit)
    return tuple(int(i) for i in ids[keep])


@mistake(
    "merge_pair",
    "right-to-left",
    "Merging went from right to left: (1, 1, 1) became (1, 9). From left to right it "
    "is (9, 1), and encoding must cut as training did.",
)
def merge_pair_backwards(ids, pair, new_id):
    turned = merge_pair(tuple(ids)[::-1], pair[::-1], new_id)
    return turned[::-1]


@mistake("merge_pair", "right-to-left")
def merge_pair_from_the_end(ids, pair, new_id):
    merged = list(ids)
    i = len(merged) - 2
    while i >= 0:
        if merged[i : i + 2] == list(pair):
            merged[i : i + 2] = [new_id]
            i -= 1
        i -= 1
    return tuple(merged)


@mistake(
    "merge_pair",
    "first-occurrence-only",
    "Only the first occurrence was merged. All of them are: (1, 2, 1, 2) becomes "
    "(9, 9).",
)
def merge_pair_once(ids, pair, new_id):
    for i, here in enumerate(pairwise(ids)):
        if here == pair:
            return (*ids[:i], new_id, *ids[i + 2 :])
    return tuple(ids)


list_returned = edit(
    "merge_pair",
    "a-list-returned",
    "The ids are right, but in a list. A tuple is due: it is to be a key of the dict "
    "of words, and a list cannot be one.",
    "return tuple(merged)",
    "return merged",
)


@mistake(
    "merge_pair",
    "last-id-lost",
    "The last id is gone when no merge ends with it: (1, 2, 3) lost its 3. A loop over "
    "pairs stops one short of the end, and what is left there has to be kept.",
)
def merge_pair_without_the_last(ids, pair, new_id):
    merged = []
    i = 0
    while i < len(ids) - 1:
        if (ids[i], ids[i + 1]) == pair:
            merged.append(new_id)
            i += 2
        else:
            merged.append(ids[i])
            i += 1
    return tuple(merged)


@mistake("merge_pair", "last-id-lost")
def merge_pair_over_pairs(ids, pair, new_id):
    merged, skip = [], False
    for here in pairwise(ids):
        if skip:
            skip = False
        elif here == pair:
            merged.append(new_id)
            skip = True
        else:
            merged.append(here[0])
    return tuple(merged)


@mistake(
    "merge_pair",
    "pair-at-the-end-missed",
    "A pair at the very end was not merged: in (3, 1, 2) the last two ids are one.",
)
def merge_pair_short_of_the_end(ids, pair, new_id):
    merged = []
    i = 0
    while i < len(ids):
        if i < len(ids) - 2 and (ids[i], ids[i + 1]) == pair:
            merged.append(new_id)
            i += 2
        else:
            merged.append(ids[i])
            i += 1
    return tuple(merged)


@mistake(
    "merge_pair",
    "argument-changed",
    "The result is right, but the caller's list was changed as well: what was merged "
    "is gone there. Work on a copy.",
)
def merge_pair_in_the_callers_list(ids, pair, new_id):
    if isinstance(ids, tuple):
        ids = list(ids)
    i = 0
    while i < len(ids) - 1:
        if (ids[i], ids[i + 1]) == pair:
            ids[i : i + 2] = [new_id]
        i += 1
    return tuple(ids)


@mistake(
    "merge_pair",
    "digits-matched",
    "The ids were searched as text, and digits of other ids matched: in (11, 2) and in "
    "(1, 12) stands the same '112'. Ids are numbers; compare them as such.",
)
def merge_pair_as_joined_digits(ids, pair, new_id):
    text = " ".join(map(str, ids)).replace("{} {}".format(*pair), str(new_id))
    return tuple(map(int, text.split()))


@mistake("merge_pair", "digits-matched")
def merge_pair_as_text_between_commas(ids, pair, new_id):
    old = ",".join(map(str, pair))
    text = (",".join(map(str, ids)) + ",").replace(old + ",", f"{new_id},")
    return tuple(int(i) for i in text.split(",") if i)


@mistake(
    "merge_pair",
    "only-even-places",
    "A pair at an odd place was missed: the ids were walked two by two. In (3, 1, 2, 4) "
    "the pair (1, 2) begins at place 1.",
)
def merge_pair_two_by_two(ids, pair, new_id):
    merged = []
    for i in range(0, len(ids), 2):
        here = tuple(ids[i : i + 2])
        merged.extend([new_id] if here == pair else here)
    return tuple(merged)


@mistake(
    "merge_pair",
    "either-order",
    "(2, 1) was merged like (1, 2). A pair has a left and a right id, and only that "
    "order is merged.",
)
def merge_pair_as_a_set(ids, pair, new_id):
    merged, i = [], 0
    while i < len(ids):
        if sorted(ids[i : i + 2]) == sorted(pair):
            merged.append(new_id)
            i += 2
        else:
            merged.append(ids[i])
            i += 1
    return tuple(merged)


@mistake(
    "merge_pair",
    "left-id-repeated",
    "After a left id that was not followed by the right one, the next id was not tried "
    "as a left id: in (1, 1, 2) the second 1 and the 2 are the pair (1, 2).",
)
def merge_pair_that_forgets_to_look_again(ids, pair, new_id):
    merged = []
    rest = iter(ids)
    for i in rest:
        if i != pair[0]:
            merged.append(i)
            continue
        following = next(rest, None)
        if following == pair[1]:
            merged.append(new_id)
        else:
            merged.append(i)
            if following is not None:
                merged.append(following)
    return tuple(merged)


new_id_added = edit(
    "merge_pair",
    "pair-kept",
    "The new id was put beside the pair's ids and not in their place: they have to go.",
    "            merged.append(new_id)\n",
    "            merged += [*pair, new_id]\n",
)

pair_removed = edit(
    "merge_pair",
    "new-id-missing",
    "The pair is gone, but nothing stands in its place: the new id does.",
    "            merged.append(new_id)\n",
    "",
)

right_id_kept = edit(
    "merge_pair",
    "right-id-kept",
    "The right id of the pair is still there after the new one: a merge uses up two "
    "ids.",
    "place += 2",
    "place += 1",
)


@mistake(
    "merge_pair",
    "each-id-replaced",
    "Every id of the pair was replaced, each for itself. Two neighbours become one id, "
    "and (1, 3, 2) stays as it is.",
)
def merge_pair_one_by_one(ids, pair, new_id):
    return tuple(new_id if i in pair else i for i in ids)


@mistake(
    "merge_pair",
    "only-bytes",
    "Ids above 255 fail. After the first merge there are more ids than bytes.",
)
def merge_pair_of_bytes(ids, pair, new_id):
    return tuple(bytes(ids).replace(bytes(pair), bytes([new_id])))


@mistake(
    "merge_pair",
    "zero-taken-for-nothing",
    "The id 0 was taken for no id at all. 0 is false in Python, and it is the id of a "
    "byte: (0, 0, 5) with the pair (0, 0) is (new, 5).",
)
def merge_pair_where_zero_is_nothing(ids, pair, new_id):
    merged = []
    held = None
    for i in ids:
        if held and (held, i) == pair:
            merged.append(new_id)
            held = None
        else:
            if held:
                merged.append(held)
            held = i
    if held:
        merged.append(held)
    return tuple(merged)


none_when_empty = edit(
    "merge_pair",
    "fails-without-ids",
    "No ids, or a single one, is an error. There is no pair then, and they come back "
    "as they were.",
    "    merged = []\n",
    "    merged = [] if ids[1:] else [ids[0], ids[1]]\n",
)


@mistake(
    "merge_pair",
    "too-deep",
    "A long list ends in a RecursionError: the function calls itself for each id, and "
    "Python allows about a thousand calls inside one another.",
)
def merge_pair_that_calls_itself(ids, pair, new_id):
    if len(ids) < 2:
        return tuple(ids)
    if tuple(ids[:2]) == pair:
        return (new_id, *merge_pair_that_calls_itself(ids[2:], pair, new_id))
    return (ids[0], *merge_pair_that_calls_itself(ids[1:], pair, new_id))


by_identity = edit(
    "merge_pair",
    "compared-as-objects",
    "A pair of large ids was not found: it was asked whether they are the same objects, "
    "not whether they are equal. Python keeps one object for each small number only.",
    "if tuple(ids[place : place + 2]) == pair:",
    "if ids[place] is pair[0] and ids[place + 1 :] and ids[place + 1] is pair[1]:",
)


@mistake(
    "merge_pair",
    "ids-as-characters",
    "A large id is an error: ids were made characters, and there are none above "
    "1,114,111. An id is any whole number.",
)
def merge_pair_of_characters(ids, pair, new_id):
    text = "".join(map(chr, ids))
    return tuple(map(ord, text.replace("".join(map(chr, pair)), chr(new_id))))


no_neighbour = edit(
    "merge_pair",
    "neighbour-past-the-end",
    "The last id was asked for its right neighbour, when it is the pair's left one: "
    "there is none, and that ended in an IndexError.",
    "if tuple(ids[place : place + 2]) == pair:",
    "if ids[place] == pair[0] and ids[place + 1] == pair[1]:",
)

padded_with_zero = edit(
    "merge_pair",
    "padded-with-zero",
    "The last id was merged with a 0 that is not there: a 0 was taken for the right "
    "neighbour of the end. 0 is an id like any other, and the last id has none.",
    "if tuple(ids[place : place + 2]) == pair:",
    "if (*ids[place : place + 2], 0)[:2] == pair:",
)


# Tokenizer: encode

LEFT_TO_RIGHT = (
    "Merges were taken as they came from left to right. The merge that was learned "
    "first goes first, wherever it stands: with the merges (b, c), (a, b) the text "
    "'abc' is a, bc and not ab, c. A model has only seen the former."
)


@mistake(
    "Tokenizer",
    "left-to-right",
    LEFT_TO_RIGHT,
    seen_in="rasbt/LLMs-from-scratch, both BPE notebooks, for merges trained there; "
    "ztxz16/fastllm #715",
)
class TokenizerLeftToRight(Tokenizer):
    def _merged(self, pre_token):
        tokens = [bytes([byte]) for byte in pre_token]
        again = True
        while again:
            again = False
            merged, i = [], 0
            while i < len(tokens):
                if tuple(tokens[i : i + 2]) in self.ranks:
                    merged.append(tokens[i] + tokens[i + 1])
                    again = True
                    i += 2
                else:
                    merged.append(tokens[i])
                    i += 1
            tokens = merged
        return tokens


@mistake("Tokenizer", "left-to-right")
class TokenizerOfAStack(Tokenizer):
    def _merged(self, pre_token):
        stack = []
        for byte in pre_token:
            stack.append(bytes([byte]))
            while tuple(stack[-2:]) in self.ranks:
                right = stack.pop()
                stack[-1] += right
        return stack


@mistake("Tokenizer", "left-to-right")
class TokenizerOfTheLeftmostPair(Tokenizer):
    def _merged(self, pre_token):
        tokens = [bytes([byte]) for byte in pre_token]
        while True:
            found = [i for i, p in enumerate(pairwise(tokens)) if p in self.ranks]
            if not found:
                return tokens
            tokens[found[0] : found[0] + 2] = [tokens[found[0]] + tokens[found[0] + 1]]


@mistake("Tokenizer", "left-to-right")
class TokenizerOfTheLeftmostPairEverywhere(Tokenizer):
    def _merged(self, pre_token):
        tokens = tuple(bytes([byte]) for byte in pre_token)
        while found := [pair for pair in pairwise(tokens) if pair in self.ranks]:
            tokens = merge_pair(tokens, found[0], b"".join(found[0]))
        return tokens


@mistake(
    "Tokenizer",
    "longest-match",
    "The longest token of the vocabulary was taken at each place. BPE applies its "
    "merges in the order in which they were learned, and that can cut otherwise: with "
    "(b, c), (a, b) the text 'abc' is a, bc and not ab, c.",
)
class TokenizerByLongestMatch(Tokenizer):
    def _merged(self, pre_token):
        tokens = []
        while pre_token:
            end = len(pre_token)
            while pre_token[:end] not in self.ids:
                end -= 1
            tokens.append(pre_token[:end])
            pre_token = pre_token[end:]
        return tokens


@mistake("Tokenizer", "longest-match")
class TokenizerByLongestTokenFirst(Tokenizer):
    def _merged(self, pre_token):
        tokens = sorted(self.vocab.values(), key=len, reverse=True)
        pattern = b"|".join(re.escape(token) for token in tokens)
        return re.findall(pattern, pre_token, flags=re.DOTALL)


@mistake("Tokenizer", "longest-match")
class TokenizerByLongestMerge(Tokenizer):
    def _merged(self, pre_token):
        made = {left + right for left, right in self.merges}
        tokens = []
        while pre_token:
            end = len(pre_token)
            while end > 1 and pre_token[:end] not in made:
                end -= 1
            tokens.append(pre_token[:end])
            pre_token = pre_token[end:]
        return tokens


highest_rank_first = edit(
    "Tokenizer",
    "highest-rank-first",
    "The merge that was learned last went first. It is the first learned that goes "
    "first: with (b, c), (a, b) the text 'abc' is a, bc.",
    "pair = min(pairs, key=lambda pair: self.ranks.get(pair, inf))",
    "pair = max(pairs, key=lambda pair: self.ranks.get(pair, -1))",
)


@mistake("Tokenizer", "highest-rank-first")
class TokenizerFromTheLastMerge(Tokenizer):
    def _merged(self, pre_token):
        tokens = tuple(bytes([byte]) for byte in pre_token)
        while True:
            applied = [m for m in self.merges[::-1] if m in set(pairwise(tokens))]
            if not applied:
                return tokens
            tokens = merge_pair(tokens, applied[0], b"".join(applied[0]))


never_merges = edit(
    "Tokenizer",
    "never-merges",
    "Every byte is still a token of its own: the merges were not applied. With the "
    "merges (l, o), (lo, w) the text 'low' is one token.",
    "for token in self._merged(pre_token.encode())]",
    "for token in map(bytes, zip(pre_token.encode()))]",
)


@mistake("Tokenizer", "never-merges")
class TokenizerWithoutMerges(Tokenizer):
    def _merged(self, pre_token):
        return [pre_token[i : i + 1] for i in range(len(pre_token))]


@mistake(
    "Tokenizer",
    "one-merge-and-stop",
    "After one merge the pre-token was left as it was. What a merge makes may be part "
    "of the next: go on until no pair is a merge.",
)
class TokenizerOfOneMerge(Tokenizer):
    def _merged(self, pre_token):
        tokens = tuple(bytes([byte]) for byte in pre_token)
        found = [pair for pair in pairwise(tokens) if pair in self.ranks]
        if found:
            pair = min(found, key=self.ranks.get)
            tokens = merge_pair(tokens, pair, pair[0] + pair[1])
        return tokens


@mistake(
    "Tokenizer",
    "one-round-of-merges",
    "Merging ended after one round over the pairs of the single bytes. What a merge "
    "makes stands beside others in its turn: look at all pairs again.",
)
class TokenizerOfOneRound(Tokenizer):
    def _merged(self, pre_token):
        tokens = tuple(bytes([byte]) for byte in pre_token)
        found = {pair for pair in pairwise(tokens) if pair in self.ranks}
        for pair in sorted(found, key=self.ranks.get):
            tokens = merge_pair(tokens, pair, pair[0] + pair[1])
        return tokens


@mistake(
    "Tokenizer",
    "first-occurrence-only",
    "A merge was applied where its pair stands first, and then never again. It applies "
    "wherever the pair stands: with (a, b) the text 'abab' is ab, ab.",
)
class TokenizerOfFirstOccurrences(Tokenizer):
    def _merged(self, pre_token):
        tokens = [bytes([byte]) for byte in pre_token]
        for pair in self.merges:
            here = list(pairwise(tokens))
            if pair in here:
                place = here.index(pair)
                tokens[place : place + 2] = [pair[0] + pair[1]]
        return tokens


@mistake(
    "Tokenizer",
    "merges-overlap",
    "One token went into two merges: with (a, a) the text 'aaa' became aa, aa. From "
    "left to right it is aa, a, and decoding gives the text back.",
)
class TokenizerWithOverlaps(Tokenizer):
    def _merged(self, pre_token):
        tokens = [bytes([byte]) for byte in pre_token]
        for left, right in self.merges:
            hits = [i for i, p in enumerate(pairwise(tokens)) if p == (left, right)]
            for i in reversed(hits):
                tokens[i : i + 2] = [left + right]
        return tokens


@mistake(
    "Tokenizer",
    "merged-from-the-right",
    "Of equal pairs the rightmost was merged first: with (a, a) the text 'aaa' became "
    "a, aa. From left to right it is aa, a.",
)
class TokenizerFromTheRight(Tokenizer):
    def _merged(self, pre_token):
        tokens = [bytes([byte]) for byte in pre_token]
        while True:
            found = [
                (self.ranks[pair], -i)
                for i, pair in enumerate(pairwise(tokens))
                if pair in self.ranks
            ]
            if not found:
                return tokens
            place = -min(found)[1]
            tokens[place : place + 2] = [tokens[place] + tokens[place + 1]]


@mistake(
    "Tokenizer",
    "characters-not-bytes",
    "The text was cut into characters, not into bytes. 'é' is the two bytes 195, 169, "
    "and only so do 256 tokens cover every text.",
)
class TokenizerOfCharacters(Tokenizer):
    def _merged(self, pre_token):
        return super()._merged(pre_token.decode().encode("latin-1"))


@mistake("Tokenizer", "characters-not-bytes")
class TokenizerOfCodePoints(Tokenizer):
    def encode(self, text, allowed_special=()):
        if any(s in text for s in self.special_tokens if s in allowed_special):
            return super().encode(text, allowed_special)
        numbers = {token.decode("latin-1"): i for token, i in self.ids.items()}
        merges = [[part.decode("latin-1") for part in merge] for merge in self.merges]
        ids = []
        for pre_token in regex.findall(self.pattern, text):
            tokens = tuple(pre_token)
            for left, right in merges:
                tokens = merge_pair(tokens, (left, right), left + right)
            ids += [numbers.get(token, ord(token[0])) for token in tokens]
        return ids


@mistake(
    "Tokenizer",
    "beyond-ascii-dropped",
    "Characters beyond ASCII are gone. Byte-level BPE has no unknown character: each is "
    "encoded by the bytes of its UTF-8.",
)
class TokenizerOfAscii(Tokenizer):
    def encode(self, text, allowed_special=()):
        return super().encode(text.encode("ascii", "ignore").decode(), allowed_special)


@mistake(
    "Tokenizer",
    "across-token-edges",
    "A merge was made by replacing text, so that it also matched the end of one token "
    "and the start of another. A merge joins two whole tokens: with (b, c), (a, b) the "
    "text 'abc' is a, bc, and there is no token b left for the second merge.",
)
class TokenizerByReplacing(Tokenizer):
    def _merged(self, pre_token):
        line = " ".join(f"{byte:02x}" for byte in pre_token)
        for left, right in self.merges:
            line = line.replace(f"{left.hex()} {right.hex()}", left.hex() + right.hex())
        return [bytes.fromhex(token) for token in line.split()]


@mistake("Tokenizer", "across-token-edges")
class TokenizerByReplacingBytes(Tokenizer):
    def _merged(self, pre_token):
        cuts = set(range(len(pre_token) + 1))
        for left, right in self.merges:
            for match in re.finditer(re.escape(left + right), pre_token):
                cuts.discard(match.start() + len(left))
        return [pre_token[a:b] for a, b in pairwise(sorted(cuts))]


@mistake(
    "Tokenizer",
    "joined-from-other-parts",
    "Two tokens were joined since together they are in the vocabulary, in the order of "
    "the place where they stand. Which pair goes first is told by the rank: with "
    "(b, c), (a, b) the text 'abc' is a, bc.",
)
class TokenizerByAnyKnownToken(Tokenizer):
    def _merged(self, pre_token):
        tokens = [pre_token[i : i + 1] for i in range(len(pre_token))]
        i = 0
        while i < len(tokens) - 1:
            if tokens[i] + tokens[i + 1] in self.ids:
                tokens[i : i + 2] = [tokens[i] + tokens[i + 1]]
                i = 0
            else:
                i += 1
        return tokens


@mistake(
    "Tokenizer",
    "not-cut-into-words",
    "The text was not cut into pre-tokens first, so that a merge could cross from one "
    "into the next: from a word into the space after it, or from a letter into a digit.",
)
class TokenizerOfOnePiece(Tokenizer):
    def encode(self, text, allowed_special=()):
        if any(s in text for s in self.special_tokens if s in allowed_special):
            return super().encode(text, allowed_special)
        return [self.ids[token] for token in self._merged(text.encode())]


not_cut = edit(
    "Tokenizer",
    "not-cut-into-words",
    "",
    "for pre_token in regex.findall(self.pattern, part):",
    "for pre_token in [part]:",
)


@mistake(
    "Tokenizer",
    "white-space-lost",
    "Tabs, line ends or double spaces are gone: the text was split at white space and "
    "put together with single spaces. Every character belongs to a pre-token, and "
    "decoding must give the text back: two spaces in a row, or a tab.",
    seen_in="rasbt/LLMs-from-scratch #944",
)
class TokenizerOfSplit(Tokenizer):
    def encode(self, text, allowed_special=()):
        if any(s in text for s in self.special_tokens if s in allowed_special):
            return super().encode(text, allowed_special)
        ids = []
        for place, word in enumerate(text.split()):
            pre_token = " " * (place > 0) + word
            ids += [self.ids[token] for token in self._merged(pre_token.encode())]
        return ids


@mistake("Tokenizer", "white-space-lost")
class TokenizerOfWordsWithASpace(Tokenizer):
    def __init__(self, merges, special_tokens=(), *, pattern=r" ?\S+", ids=None):
        super().__init__(merges, special_tokens, pattern=pattern, ids=ids)


def cut_by(slug, says, pattern):
    """A Tokenizer whose default pattern is another one than GPT-2's."""
    return edit("Tokenizer", slug, says, "pattern=GPT2_PATTERN", f"pattern={pattern!r}")


ascii_letters_only = cut_by(
    "ascii-letters-only",
    "Only a to z were taken for letters. \\p{L} is a letter of any script: 'aé' is one "
    "pre-token.",
    r"'s|'t|'re|'ve|'m|'ll|'d| ?[A-Za-z]+| ?[0-9]+| ?[^\sA-Za-z0-9]+|\s+(?!\S)|\s+",
)
words_of_w = cut_by(
    "numbers-and-signs-taken-for-letters",
    "Letters, digits and the underscore were taken together, as \\w does. In GPT-2's "
    "pattern they are three kinds: 'a_1' is three pre-tokens.",
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\w+| ?[^\s\w]+|\s+(?!\S)|\s+",
)
words_without_digits = cut_by(
    "numbers-taken-for-letters",
    "Some numbers were taken for letters: 'letter' is not 'word character that is no "
    "decimal digit', since ² and Ⅷ are numbers too. \\p{L} and \\p{N} say it exactly.",
    r"'s|'t|'re|'ve|'m|'ll|'d| ?[^\W\d_]+| ?\d+| ?(?:[^\s\w]|_)+|\s+(?!\S)|\s+",
)
decimal_digits_only = cut_by(
    "only-decimal-digits",
    "Only decimal digits were taken for numbers, as \\d does. \\p{N} is every number, ² "
    "and ½ too: '2²' is one pre-token, and '½!' is two.",
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\d+| ?[^\s\p{L}\d]+|\s+(?!\S)|\s+",
)
decimal_digits_in_any_pattern = edit(
    "Tokenizer",
    "only-decimal-digits",
    "",
    "self.pattern = pattern\n",
    r"self.pattern = pattern.replace(r'\p{N}', r'\d')" + "\n",
)
letters_of_w_in_any_pattern = edit(
    "Tokenizer",
    "numbers-taken-for-letters",
    "",
    "self.pattern = pattern\n",
    r"""self.pattern = (
            pattern.replace(r"\p{L}", r"[^\W\d_]")
            .replace(r"[^\s[^\W\d_]\p{N}]", r"(?:[^\s\w]|_)")
            .replace(r"\p{N}", r"\d")
        )
""",
)
whole_runs = cut_by(
    "whole-run-of-white-space",
    "A run of white space was taken as a whole. Its last character is left for what "
    "follows: after two spaces, too, the word has one of them before it.",
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+",
)
single_white_space = cut_by(
    "white-space-one-by-one",
    "Each character of white space became a pre-token of its own. A run stays "
    "together, but for its last character.",
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s",
)
no_contractions = cut_by(
    "short-forms-not-cut-off",
    "'s, 't, 're, 've, 'm, 'll and 'd are pre-tokens of their own: \"it's\" is it and "
    "'s, not it, ' and s.",
    r" ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
)
any_case = cut_by(
    "short-forms-in-capitals",
    "'S and 'RE in capitals were cut off like 's and 're. GPT-2's pattern knows the "
    "small letters only. (GPT-4's ignores the case.)",
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
)
short_forms_last = cut_by(
    "short-forms-not-cut-off",
    "",
    r" ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|'s|'t|'re|'ve|'m|'ll|'d|\s+(?!\S)|\s+",
)
space_after = cut_by(
    "space-behind-the-word",
    "The space was put behind the word. It belongs to the word after it: 'a b' is a "
    "and ' b'.",
    r"'s|'t|'re|'ve|'m|'ll|'d|\p{L}+ ?|\p{N}+ ?|[^\s\p{L}\p{N}]+ ?|\s+(?!\S)|\s+",
)
space_alone = cut_by(
    "space-cut-off",
    "The space became a pre-token of its own. It belongs to the word, number or sign "
    "after it: 'a b' is a and ' b'.",
    r"'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}+|[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
)
any_space_in_front = cut_by(
    "any-white-space-in-front",
    "A tab or a line end was put to the word after it. Only a space is; other white "
    "space is a pre-token of its own.",
    r"'s|'t|'re|'ve|'m|'ll|'d|\s?\p{L}+|\s?\p{N}+|\s?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
)
gpt4 = cut_by(
    "pattern-of-gpt4",
    "This cuts as GPT-4 does: numbers by three digits, a sign with the letters after "
    "it. The pattern that is asked for is GPT-2's, GPT2_PATTERN.",
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+",
)

pattern_ignored = edit(
    "Tokenizer",
    "pattern-ignored",
    "The text was cut by GPT-2's pattern although another one was given: with a pattern "
    "that takes digits one by one '12' is two pre-tokens.",
    "regex.findall(self.pattern, part)",
    "regex.findall(GPT2_PATTERN, part)",
)

normalised = edit(
    "Tokenizer",
    "text-normalised",
    "The text was normalised before it was encoded: an e with a combining accent came "
    "back as é. A tokenizer gives back exactly what it got.",
    "        ids = []\n        for place, part",
    "        ids = []\n        parts = [unicodedata.normalize('NFC', p) for p in parts]\n"
    "        for place, part",
)

stripped = edit(
    "Tokenizer",
    "text-stripped",
    "White space at the start or end is gone. It is text like any other: ' a' is not "
    "'a'.",
    "else [text]\n",
    "else [text.strip()]\n",
)

line_ends_changed = edit(
    "Tokenizer",
    "line-ends-changed",
    "Line ends were changed: of CR LF, the bytes 13 and 10, only LF is left. Both are "
    "bytes of the text, and decode gives both back.",
    "else [text]\n",
    "else [text]\n        parts = [p.replace('\\r\\n', '\\n') for p in parts]\n",
)


@mistake("Tokenizer", "text-stripped")
class TokenizerThatStripsFirst(Tokenizer):
    def encode(self, text, allowed_special=()):
        return super().encode(text.strip(), allowed_special)


a_tuple = edit(
    "Tokenizer",
    "not-a-list",
    "The ids are right, but not in a list. A list is due.",
    "        return ids\n\n    def _merged",
    "        return tuple(ids)\n\n    def _merged",
)


@mistake("Tokenizer", "not-a-list")
class TokenizerThatYields(Tokenizer):
    def encode(self, text, allowed_special=()):
        yield from super().encode(text, allowed_special)


@mistake(
    "Tokenizer",
    "shared-by-all",
    "A second tokenizer with other merges gives the ids of the first, or fails on its "
    "tokens: what was kept for later is kept in the class, and so for all of its "
    "objects.",
)
class TokenizerWithOneCacheForAll(Tokenizer):
    known = {}  # noqa: RUF012

    def _merged(self, pre_token):
        if pre_token not in self.known:
            self.known[pre_token] = super()._merged(pre_token)
        return self.known[pre_token]


@mistake("Tokenizer", "shared-by-all")
class TokenizerWithMergesOfTheClass(Tokenizer):
    ranks_of_all = {}  # noqa: RUF012

    def __init__(self, merges, special_tokens=(), *, pattern=GPT2_PATTERN, ids=None):
        super().__init__(merges, special_tokens, pattern=pattern, ids=ids)
        self.ranks_of_all.update(self.ranks)
        self.ranks = self.ranks_of_all


@mistake(
    "Tokenizer",
    "changed-by-encoding",
    "The second time the same text has more ids: the list that was kept from the first "
    "time has grown since. What is kept must not be what the caller or the next word "
    "goes on to change.",
)
class TokenizerThatGivesItsCacheAway(Tokenizer):
    def encode(self, text, allowed_special=()):
        if not hasattr(self, "known"):
            self.known = {}
        if not any(special in text for special in allowed_special):
            ids = None
            for pre_token in regex.findall(self.pattern, text):
                if pre_token not in self.known:
                    self.known[pre_token] = super().encode(pre_token)
                if ids is None:
                    ids = self.known[pre_token]
                else:
                    ids += self.known[pre_token]
            return ids or []
        return super().encode(text, allowed_special)


@mistake(
    "Tokenizer",
    "kept-list-given-away",
    "What the caller did to the list that encode had returned is in its next answer: "
    "the list is kept and returned again. Return another one each time.",
)
class TokenizerThatReturnsWhatItKeeps(Tokenizer):
    def encode(self, text, allowed_special=()):
        known = self.__dict__.setdefault("known", {})
        key = text, frozenset(allowed_special)
        if key not in known:
            known[key] = super().encode(text, allowed_special)
        return known[key]


@mistake(
    "Tokenizer",
    "kept-whatever-is-allowed",
    "The second time a text got the ids of the first, although other special tokens "
    "were allowed: what is remembered was stored under the text alone.",
)
class TokenizerThatRemembersTexts(Tokenizer):
    def encode(self, text, allowed_special=()):
        known = self.__dict__.setdefault("known", {})
        if text not in known:
            known[text] = super().encode(text, allowed_special)
        return list(known[text])


@mistake(
    "Tokenizer",
    "allowed-for-ever",
    "A special token that an earlier call allowed is still allowed. Each call allows "
    "its own, and none where nothing is said.",
)
class TokenizerThatAllowsMoreAndMore(Tokenizer):
    def encode(self, text, allowed_special=()):
        allowed = self.__dict__.setdefault("allowed", set())
        allowed |= set(allowed_special)
        return super().encode(text, allowed)


# Tokenizer: special tokens

always_special = edit(
    "Tokenizer",
    "special-by-default",
    "A special token in the text became its id although nobody allowed it. Text that a "
    "user wrote could then end the document or open a turn; it is plain text unless "
    "allowed_special says otherwise.",
    "[s for s in self.special_tokens if s in allowed_special]",
    "list(self.special_tokens)",
    seen_in="huggingface/tokenizers #1347",
)


special_when_alone = edit(
    "Tokenizer",
    "special-when-alone",
    "A special token became its id although nobody allowed it, where it is the whole "
    "text or all that stands between two that are allowed. It is plain text there, too.",
    "if place % 2:",
    "if part in self.special_tokens:",
)
empty_parts_dropped = edit(
    "Tokenizer",
    "empty-parts-dropped",
    "At the start of a text, or beside another one, a special token was taken for text, "
    "and text for a special token: what lies between them was empty, and was dropped, so "
    "that every second part is no longer a special token.",
    "        ids = []\n        for place",
    "        parts = [part for part in parts if part]\n"
    "        ids = []\n        for place",
)
adjacent_as_one = edit(
    "Tokenizer",
    "adjacent-special-tokens-as-one",
    "Two special tokens side by side were taken for one, whose text is no token: an "
    "error. Each of them is an id of its own.",
    'f"({cut})"',
    'f"((?:{cut})+)"',
)


@mistake("Tokenizer", "special-by-default")
class TokenizerThatAllowsAllByDefault(Tokenizer):
    def encode(self, text, allowed_special=None):
        return super().encode(text, allowed_special or self.special_tokens)


never_special = edit(
    "Tokenizer",
    "special-tokens-never-known",
    "A special token was encoded as plain text although it was allowed. In "
    "allowed_special it is one id.",
    "if specials else [text]",
    "if not specials else [text]",
)


@mistake("Tokenizer", "special-tokens-never-known")
class TokenizerOfPlainText(Tokenizer):
    def encode(self, text, allowed_special=()):
        return super().encode(text)


@mistake(
    "Tokenizer",
    "refuses-plain-special-tokens",
    "A special token that is not allowed was an error. tiktoken does so by default; "
    "here it is plain text.",
)
class TokenizerAsStrictAsTiktoken(Tokenizer):
    def encode(self, text, allowed_special=()):
        for special in self.special_tokens:
            if special in text and special not in allowed_special:
                raise ValueError(f"{special} is not allowed")
        return super().encode(text, allowed_special)


@mistake(
    "Tokenizer",
    "unknown-entry-refused",
    "An entry of allowed_special that is no special token of this tokenizer was an "
    "error. It is ignored, and its text is plain text.",
)
class TokenizerThatKnowsAllItIsAllowed(Tokenizer):
    def encode(self, text, allowed_special=()):
        for special in allowed_special:
            if special not in self.special_tokens:
                raise ValueError(f"{special} is no special token")
        return super().encode(text, allowed_special)


@mistake("Tokenizer", "unknown-entry-refused")
class TokenizerThatCutsAtAllAllowed(Tokenizer):
    def encode(self, text, allowed_special=()):
        if not allowed_special:
            return super().encode(text)
        allowed = sorted(allowed_special, key=len, reverse=True)
        ids = []
        cut = "|".join(map(regex.escape, allowed))
        for place, part in enumerate(regex.split(f"({cut})", text)):
            ids += [self.ids[part.encode()]] if place % 2 else super().encode(part)
        return ids


@mistake(
    "Tokenizer",
    "only-sets-allowed",
    "allowed_special failed as a list. A set, a list or a tuple will do.",
)
class TokenizerOfSets(Tokenizer):
    def encode(self, text, allowed_special=frozenset()):
        allowed = allowed_special & set(self.special_tokens)
        return super().encode(text, allowed)


@mistake("Tokenizer", "only-sets-allowed")
class TokenizerOfSetsOrNothing(Tokenizer):
    def encode(self, text, allowed_special=()):
        allowed = (allowed_special or set()) & set(self.special_tokens)
        return super().encode(text, allowed)


@mistake(
    "Tokenizer",
    "allowed-is-enough",
    "An entry of allowed_special that is no special token became one id, that of an "
    "ordinary token with its bytes. Entries that are no special token are ignored.",
)
class TokenizerThatAllowsAnyToken(Tokenizer):
    def encode(self, text, allowed_special=()):
        allowed = [entry for entry in allowed_special if entry.encode() in self.ids]
        allowed.sort(key=len, reverse=True)
        cut = "|".join(map(regex.escape, allowed))
        parts = regex.split(f"({cut})", text) if allowed else [text]
        ids = []
        for place, part in enumerate(parts):
            ids += [self.ids[part.encode()]] if place % 2 else super().encode(part)
        return ids


not_escaped = edit(
    "Tokenizer",
    "special-token-read-as-a-pattern",
    "A special token was read as a regular expression: in <|endoftext|> the bars mean "
    "'or', in [PAD] the brackets mean one letter of three.",
    "map(regex.escape, specials)",
    "specials",
)

not_longest = edit(
    "Tokenizer",
    "not-the-longest",
    "Of two special tokens that begin at the same place the longer one is meant, "
    "however they were listed: of <|a|> and <|a|><|b|>, the latter.",
    "        specials.sort(key=len, reverse=True)  # an alternation takes the first\n",
    "",
)
shortest = edit(
    "Tokenizer",
    "not-the-longest",
    "",
    "specials.sort(key=len, reverse=True)",
    "specials.sort(key=len)",
)


@mistake(
    "Tokenizer",
    "not-the-leftmost",
    "The special tokens were cut out one after the other, so that one further right "
    "could take away what belongs to one that begins before it. The leftmost goes "
    "first: with xyz! and wxy the text 'wxyz!' is wxy, z, !.",
)
class TokenizerSpecialBySpecial(Tokenizer):
    def encode(self, text, allowed_special=()):
        parts = [text]
        allowed = [s for s in self.special_tokens if s in allowed_special]
        for special in sorted(allowed, key=len, reverse=True):
            cut = []
            for part in parts:
                if isinstance(part, int):
                    cut.append(part)
                    continue
                for place, text in enumerate(part.split(special)):
                    cut += [self.ids[special.encode()]] * (place > 0) + [text]
            parts = cut
        ids = []
        for part in parts:
            ids += [part] if isinstance(part, int) else super().encode(part)
        return ids


@mistake(
    "Tokenizer",
    "special-token-eaten",
    "A special token was found only where a pre-token happens to begin: in 'lo <|x|>' "
    "the space takes < and | along, and the rest is no special token any more. The "
    "special tokens are cut out first, then what lies between them is cut.",
)
class TokenizerOfOneAlternation(Tokenizer):
    def encode(self, text, allowed_special=()):
        specials = [s for s in self.special_tokens if s in allowed_special]
        specials.sort(key=len, reverse=True)
        choices = [*map(regex.escape, specials), self.pattern]
        ids = []
        for piece in regex.findall("|".join(choices), text):
            if piece in specials:
                ids.append(self.ids[piece.encode()])
            else:
                ids += [self.ids[token] for token in self._merged(piece.encode())]
        return ids


@mistake(
    "Tokenizer",
    "cut-with-a-view-to-what-follows",
    "What lies before a special token was cut with a view to it: of two spaces the last "
    "was kept for what follows. It is to be encoded as if it stood alone, and then two "
    "spaces before a special token stay together.",
)
class TokenizerWithAStandIn(Tokenizer):
    def encode(self, text, allowed_special=()):
        specials = [s for s in self.special_tokens if s in allowed_special]
        if not any(special in text for special in specials):
            return super().encode(text)
        specials.sort(key=len, reverse=True)
        pieces, start = [], 0
        for match in regex.finditer("|".join(map(regex.escape, specials)), text):
            # An "x" stands for the special token while the part before it is cut.
            part = text[start : match.start()] + "\nx"
            cut = regex.findall(self.pattern, part)
            pieces += [piece.removesuffix("\n") for piece in cut[:-1]] + [match[0]]
            start = match.end()
        pieces += regex.findall(self.pattern, text[start:])
        ids = []
        for piece in pieces:
            if piece in specials:
                ids.append(self.ids[piece.encode()])
            else:
                ids += [self.ids[token] for token in self._merged(piece.encode())]
        return ids


@mistake(
    "Tokenizer",
    "cut-at-a-sign-of-the-text",
    "The text was cut at a character that was put around the special tokens, and the "
    "text has that character itself: it is gone. Any character may stand in a text, "
    "U+0000 too.",
)
class TokenizerWithASeparator(Tokenizer):
    def encode(self, text, allowed_special=()):
        specials = [s for s in self.special_tokens if s in allowed_special]
        if not specials:
            return super().encode(text)
        specials.sort(key=len, reverse=True)
        cut = "|".join(map(regex.escape, specials))
        parts = regex.sub(cut, lambda found: f"\0{found[0]}\0", text).split("\0")
        ids = []
        for place, part in enumerate(parts):
            if place % 2:
                ids.append(self.ids[part.encode()])
            else:
                ids += super().encode(part)
        return ids


@mistake("Tokenizer", "cut-at-a-sign-of-the-text")
class TokenizerWithASeparatorThatLooksAtParts(Tokenizer):
    def encode(self, text, allowed_special=()):
        specials = [s for s in self.special_tokens if s in allowed_special]
        if not specials:
            return super().encode(text)
        specials.sort(key=len, reverse=True)
        cut = "|".join(map(regex.escape, specials))
        parts = regex.sub(cut, lambda found: f"\0{found[0]}\0", text).split("\0")
        ids = []
        for part in parts:
            if part in specials:
                ids.append(self.ids[part.encode()])
            else:
                ids += super().encode(part)
        return ids


@mistake(
    "Tokenizer",
    "neighbours-stripped",
    "White space beside a special token is gone. A special token is cut out of the "
    "text, and the rest stays as it is.",
)
class TokenizerThatStripsAroundSpecials(Tokenizer):
    def encode(self, text, allowed_special=()):
        specials = [s for s in self.special_tokens if s in allowed_special]
        if not any(special in text for special in specials):
            return super().encode(text)
        for special in specials:
            text = regex.sub(r"\s*" + regex.escape(special) + r"\s*", special, text)
        return super().encode(text, allowed_special)


@mistake(
    "Tokenizer",
    "only-the-first-special-token",
    "Only the first special token in the text became its id; those after it were "
    "encoded as text. Every one counts.",
)
class TokenizerOfTheFirstSpecial(Tokenizer):
    def encode(self, text, allowed_special=()):
        specials = [s for s in self.special_tokens if s in allowed_special]
        specials.sort(key=len, reverse=True)
        found = specials and regex.search("|".join(map(regex.escape, specials)), text)
        if not found:
            return super().encode(text)
        ids = super().encode(text[: found.start()]) + [self.ids[found[0].encode()]]
        return ids + super().encode(text[found.end() :])


@mistake(
    "Tokenizer",
    "special-tokens-first",
    "The special tokens got the ids from 256 on, before the merges. They come last, "
    "after all merges.",
)
class TokenizerWithSpecialsFirst(Tokenizer):
    def __init__(self, merges, special_tokens=(), *, pattern=GPT2_PATTERN, ids=None):
        if ids is None:
            tokens = [bytes([byte]) for byte in range(256)]
            tokens += [special.encode() for special in special_tokens]
            tokens += [left + right for left, right in merges]
            ids = {token: i for i, token in enumerate(tokens)}
        super().__init__(merges, special_tokens, pattern=pattern, ids=ids)


specials_sorted = edit(
    "Tokenizer",
    "special-tokens-sorted",
    "The special tokens were numbered in another order than the one given: as a set or "
    "sorted. Their order is their ids' order.",
    "self.special_tokens = list(special_tokens)",
    "self.special_tokens = sorted(special_tokens)",
)

specials_not_in_vocab = edit(
    "Tokenizer",
    "special-tokens-not-in-vocab",
    "The special tokens are missing in vocab. It has the bytes of every id, of a "
    "special token its UTF-8.",
    "self.vocab = {i: token for token, i in self.ids.items()}",
    "self.vocab = {i: token for token, i in self.ids.items()\n"
    "                      if token.decode('latin-1') not in self.special_tokens}",
)


@mistake("Tokenizer", "special-tokens-not-in-vocab")
class TokenizerWithSpecialsBesideItsVocab(Tokenizer):
    def __init__(self, merges, special_tokens=(), *, pattern=GPT2_PATTERN, ids=None):
        super().__init__(merges, special_tokens, pattern=pattern, ids=ids)
        self.full = self.vocab
        hidden = {special.encode() for special in special_tokens}
        self.vocab = {i: t for i, t in self.full.items() if t not in hidden}

    def decode(self, ids):
        for i in ids:
            if i not in self.full:
                raise ValueError(f"no token has the id {i}")
        return b"".join(self.full[i] for i in ids).decode("utf-8", errors="replace")


@mistake(
    "Tokenizer",
    "special-token-in-disguise",
    "A word of the text became a special token although nobody allowed it, since its "
    "bytes were looked up among all tokens. A user who writes the word could end the "
    "document so. Ordinary text never becomes a special token.",
)
class TokenizerOfKnownWords(Tokenizer):
    def _merged(self, pre_token):
        return [pre_token] if pre_token in self.ids else super()._merged(pre_token)


@mistake("Tokenizer", "special-token-in-disguise")
class TokenizerByKnownBytes(Tokenizer):
    def __init__(self, merges, special_tokens=(), *, pattern=GPT2_PATTERN, ids=None):
        super().__init__(merges, special_tokens, pattern=pattern, ids=ids)
        ranked = [left + right for left, right in self.merges]
        ranked += [special.encode() for special in self.special_tokens]
        self.rank_of = {token: rank for rank, token in enumerate(ranked)}

    def _merged(self, pre_token):
        tokens = [pre_token[i : i + 1] for i in range(len(pre_token))]
        while True:
            joined = [left + right for left, right in pairwise(tokens)]
            known = [token for token in joined if token in self.rank_of]
            if not known:
                return tokens
            place = joined.index(min(known, key=self.rank_of.get))
            tokens[place : place + 2] = [joined[place]]


@mistake(
    "Tokenizer",
    "allowed-by-part-of-a-name",
    "A special token counted as allowed because its text is part of an allowed one: "
    "<|a|> is not <|a|><|b|>. Whether it is allowed is whether it is one of the entries.",
)
class TokenizerThatSearchesInText(Tokenizer):
    def encode(self, text, allowed_special=()):
        named = " ".join(allowed_special)
        allowed = [special for special in self.special_tokens if special in named]
        return super().encode(text, allowed)


@mistake(
    "Tokenizer",
    "too-deep",
    "A long pre-token ends in a RecursionError: the function calls itself for each "
    "letter, and Python allows about a thousand calls inside one another. A line of "
    "hyphens or of Chinese is longer.",
)
class TokenizerThatCallsItself(Tokenizer):
    def _merged(self, pre_token):
        def merged(tokens, pair):
            if len(tokens) < 2:
                return tokens
            if tokens[:2] == pair:
                return (pair[0] + pair[1], *merged(tokens[2:], pair))
            return (tokens[0], *merged(tokens[1:], pair))

        tokens = tuple(bytes([byte]) for byte in pre_token)
        while found := [pair for pair in pairwise(tokens) if pair in self.ranks]:
            tokens = merged(tokens, min(found, key=self.ranks.get))
        return tokens


# Tokenizer: decode

TOKEN_BY_TOKEN = (
    "Each token was read as UTF-8 by itself. A token can be part of a character: 226, "
    "130 and 172 are together the euro sign, and each alone is nothing. Join the bytes "
    "of all tokens, then read them."
)


@mistake(
    "Tokenizer",
    "decoded-token-by-token",
    TOKEN_BY_TOKEN,
    seen_in="soniqo/speech-swift #41, huanglizhuo/QwenASR #12",
)
class TokenizerDecodingEachToken(Tokenizer):
    def decode(self, ids):
        for i in ids:
            if i not in self.vocab:
                raise ValueError(f"no token has the id {i}")
        return "".join(self.vocab[i].decode("utf-8", "replace") for i in ids)


@mistake("Tokenizer", "decoded-token-by-token")
class TokenizerWithAVocabularyOfText(Tokenizer):
    def decode(self, ids):
        text = {i: token.decode(errors="replace") for i, token in self.vocab.items()}
        parts = []
        for i in ids:
            if i not in text:
                raise ValueError(f"unknown id {i}")
            parts.append(text[i])
        return "".join(parts)


strict = edit(
    "Tokenizer",
    "strict-decoding",
    "Bytes that are no UTF-8 were an error. A model can emit any ids, half a character "
    "among them: such bytes become U+FFFD.",
    ', errors="replace"',
    "",
    seen_in="Blaizzy/mlx-vlm #834",
)
ignored = edit(
    "Tokenizer",
    "broken-bytes-dropped",
    "Bytes that are no UTF-8 were dropped without a trace. They become U+FFFD, so that "
    "one sees that something is missing.",
    'errors="replace"',
    'errors="ignore"',
)
latin = edit(
    "Tokenizer",
    "bytes-taken-for-characters",
    "Each byte was taken for a character: 195, 169 came back as two letters and not as "
    "é. The bytes are UTF-8.",
    'joined.decode("utf-8", errors="replace")',
    'joined.decode("latin-1")',
)


@mistake("Tokenizer", "bytes-taken-for-characters")
class TokenizerOfChr(Tokenizer):
    def decode(self, ids):
        for i in ids:
            if i not in self.vocab:
                raise ValueError(f"no token has the id {i}")
        return "".join(chr(byte) for i in ids for byte in self.vocab[i])


key_error = edit(
    "Tokenizer",
    "unknown-id-is-another-error",
    "An unknown id was an error, but not the one that is due: a ValueError that names "
    "the id.",
    '                raise ValueError(f"no token has the id {i}")',
    "                raise KeyError(i)",
)
skipped = edit(
    "Tokenizer",
    "unknown-id-skipped",
    "An unknown id was skipped. The text would silently miss a piece; it is a "
    "ValueError.",
    """        for i in ids:
            if i not in self.vocab:
                raise ValueError(f"no token has the id {i}")
""",
    "        ids = [i for i in ids if i in self.vocab]\n",
)
unknown_is_a_mark = edit(
    "Tokenizer",
    "unknown-id-replaced",
    "An unknown id became U+FFFD. That sign stands for broken bytes; an id that no "
    "token has is a ValueError.",
    """                raise ValueError(f"no token has the id {i}")
        joined = b"".join(self.vocab[i] for i in ids)
""",
    """                pass
        joined = b"".join(self.vocab.get(i, b"\\xff") for i in ids)
""",
)
unnamed = edit(
    "Tokenizer",
    "unknown-id-not-named",
    "The ValueError does not say which id it was. Whoever reads it has a list of ten "
    "thousand.",
    'raise ValueError(f"no token has the id {i}")',
    'raise ValueError("there is an unknown id")',
)


@mistake(
    "Tokenizer",
    "negative-id-accepted",
    "A negative id was taken for a place counted from the end of a list. -1 is no id of "
    "any token: a ValueError.",
)
class TokenizerOfAList(Tokenizer):
    def decode(self, ids):
        tokens = [self.vocab.get(i) for i in range(max(self.vocab) + 1)]
        parts = []
        for i in ids:
            if i >= len(tokens) or tokens[i] is None:
                raise ValueError(f"unknown id {i}")
            parts.append(tokens[i])
        return b"".join(parts).decode("utf-8", errors="replace")


@mistake(
    "Tokenizer",
    "special-tokens-not-decoded",
    "The ids of special tokens are left out of the decoded text, or refused. They come "
    "back as their own text.",
)
class TokenizerSkippingSpecials(Tokenizer):
    def decode(self, ids):
        hidden = {self.ids[special.encode()] for special in self.special_tokens}
        return super().decode([i for i in ids if i not in hidden])


@mistake("Tokenizer", "special-tokens-not-decoded")
class TokenizerThatCannotDecodeSpecials(Tokenizer):
    def decode(self, ids):
        for i in ids:
            if self.vocab.get(i, b"").decode("latin-1") in self.special_tokens:
                raise ValueError(f"id {i} is a special token")
        return super().decode(ids)


bytes_returned = edit(
    "Tokenizer",
    "bytes-returned",
    "Bytes came back. A str is due.",
    'return joined.decode("utf-8", errors="replace")',
    "return joined",
)

# Tokenizer: ids, vocab, merges

off_by_one = edit(
    "Tokenizer",
    "numbered-from-257",
    "The merges are numbered from 257 on. The bytes are 0 to 255, so that the first "
    "merge is 256.",
    "{token: i for i, token in enumerate(tokens)}",
    "{token: i + (i > 255) for i, token in enumerate(tokens)}",
)
from_zero = edit(
    "Tokenizer",
    "merges-before-bytes",
    "The ids begin with the merges. They begin with the 256 bytes: id 97 is the letter "
    "a, and 256 is the first merge.",
    """        tokens = [bytes([byte]) for byte in range(256)]
        tokens += [left + right for left, right in self.merges]
        tokens +=""",
    """        tokens = [left + right for left, right in self.merges]
        tokens += [bytes([byte]) for byte in range(256)]
        tokens +=""",
)
gpt2_order = edit(
    "Tokenizer",
    "bytes-in-gpt2-order",
    "The bytes are in the order of GPT-2's files, in which '!' is 0. Here a byte's id "
    "is its value; other orders come in through ids.",
    "tokens = [bytes([byte]) for byte in range(256)]\n        tokens += [left",
    "seen = [*range(33, 127), *range(161, 173), *range(174, 256)]\n"
    "        seen += [byte for byte in range(256) if byte not in seen]\n"
    "        tokens = [bytes([byte]) for byte in seen]\n        tokens += [left",
)
vocab_turned = edit(
    "Tokenizer",
    "vocab-turned-round",
    "vocab goes from bytes to ids. The other way round is due: from every id to its "
    "token's bytes.",
    "self.vocab = {i: token for token, i in self.ids.items()}",
    "self.vocab = dict(self.ids)",
)
vocab_of_text = edit(
    "Tokenizer",
    "vocab-of-text",
    "vocab has texts. It has bytes: a token may be part of a character, and then it is "
    "no text.",
    "self.vocab = {i: token for token, i in self.ids.items()}",
    "self.vocab = {i: t.decode(errors='replace') for t, i in self.ids.items()}",
)
vocab_of_merges = edit(
    "Tokenizer",
    "vocab-without-bytes",
    "vocab has the merges only. The 256 bytes are tokens as well.",
    "self.vocab = {i: token for token, i in self.ids.items()}",
    "self.vocab = {i: t for t, i in self.ids.items() if len(t) > 1}",
)
merges_as_lists = edit(
    "Tokenizer",
    "merges-as-a-dict",
    "merges is a dict. A list of (bytes, bytes) is due, the first learned first.",
    "self.merges = list(merges)",
    "self.merges = {pair: rank for rank, pair in enumerate(merges)}",
)
merges_sorted = edit(
    "Tokenizer",
    "merges-sorted",
    "The merges were sorted. Their order is the order in which they were learned, and "
    "that is their rank: it must stay.",
    "self.merges = list(merges)",
    "self.merges = sorted(merges)",
)
ids_ignored = edit(
    "Tokenizer",
    "ids-ignored",
    "The ids that were given are not used: the tokens are numbered as if there were "
    "none. GPT-2's own numbers come in that way.",
    "self.ids = ids or {token",
    "self.ids = {token",
)


ids_counted_anew = edit(
    "Tokenizer",
    "ids-counted-anew",
    "The tokens were numbered anew, in the order of the given ids. Their ids are those "
    "that were given: any different numbers, with gaps between them.",
    "        self.vocab = {",
    "        order = sorted(self.ids, key=self.ids.get)\n"
    "        self.ids = {token: i for i, token in enumerate(order)}\n"
    "        self.vocab = {",
)


@mistake(
    "Tokenizer",
    "rank-taken-from-ids",
    "The token with the lowest id was merged first. The rank of a merge is its place in "
    "the list of merges; ids may number the tokens in any order.",
)
class TokenizerRankedByIds(Tokenizer):
    def __init__(self, merges, special_tokens=(), *, pattern=GPT2_PATTERN, ids=None):
        super().__init__(merges, special_tokens, pattern=pattern, ids=ids)
        self.ranks = {pair: self.ids[pair[0] + pair[1]] for pair in self.merges}


@mistake(
    "Tokenizer",
    "ids-half-used",
    "Encoding gives the new ids, and decoding expects the old ones, or the other way "
    "round. ids renumbers both, and vocab.",
)
class TokenizerThatOnlyEncodesNewIds(Tokenizer):
    def __init__(self, merges, special_tokens=(), *, pattern=GPT2_PATTERN, ids=None):
        super().__init__(merges, special_tokens, pattern=pattern)
        self.ids = ids or self.ids


@mistake("Tokenizer", "ids-half-used")
class TokenizerThatOnlyDecodesNewIds(Tokenizer):
    def __init__(self, merges, special_tokens=(), *, pattern=GPT2_PATTERN, ids=None):
        super().__init__(merges, special_tokens, pattern=pattern)
        if ids:
            self.vocab = {i: token for token, i in ids.items()}


@mistake(
    "Tokenizer",
    "special-ids-not-renumbered",
    "With ids the special tokens kept the numbers behind the merges. ids has an entry "
    "for each of them too, by its UTF-8.",
)
class TokenizerWithSpecialsLastWhateverIds(Tokenizer):
    def __init__(self, merges, special_tokens=(), *, pattern=GPT2_PATTERN, ids=None):
        super().__init__(merges, special_tokens, pattern=pattern, ids=ids)
        for place, special in enumerate(self.special_tokens):
            self.ids[special.encode()] = 256 + len(self.merges) + place
        self.vocab = {i: token for token, i in self.ids.items()}


# Tokenizer: save and load


@mistake(
    "Tokenizer",
    "saved-as-text",
    "Tokens that are no UTF-8 by themselves came back from the file as something else. "
    "A token is bytes; written as text, parts of characters are lost.",
)
class TokenizerSavedAsText(Tokenizer):
    def save(self, path):
        merges = [[t.decode(errors="replace") for t in m] for m in self.merges]
        with open(path, "w", encoding="utf-8") as file:
            json.dump([merges, self.special_tokens, self.pattern], file)

    @classmethod
    def load(cls, path):
        with open(path, encoding="utf-8") as file:
            merges, specials, pattern = json.load(file)
        merges = [tuple(t.encode() for t in m) for m in merges]
        return cls(merges, specials, pattern=pattern)


@mistake(
    "Tokenizer",
    "saved-in-lines",
    "Tokens with a space or a line end in them do not come back as they were: the file "
    "is cut at the very characters that tokens can hold. Every byte can be in a token.",
)
class TokenizerSavedInLines(Tokenizer):
    def save(self, path):
        with open(path, "w", encoding="latin-1", newline="") as file:
            for left, right in self.merges:
                file.write(f"{left.decode('latin-1')} {right.decode('latin-1')}\n")

    @classmethod
    def load(cls, path):
        with open(path, encoding="latin-1", newline="") as file:
            pairs = [line.split(" ") for line in file.read().split("\n") if line]
        return cls([tuple(part.encode("latin-1") for part in pair) for pair in pairs])


@mistake(
    "Tokenizer",
    "strings-after-loading",
    "After loading the merges are texts, or lists, and match no bytes any more. They "
    "must be (bytes, bytes) again.",
)
class TokenizerLoadedAsStrings(Tokenizer):
    def save(self, path):
        merges = [[t.decode("latin-1") for t in m] for m in self.merges]
        with open(path, "w", encoding="utf-8") as file:
            json.dump([merges, self.special_tokens], file)

    @classmethod
    def load(cls, path):
        with open(path, encoding="utf-8") as file:
            merges, specials = json.load(file)
        tok = cls([], specials)
        tok.merges = merges
        tok.ranks = {tuple(merge): rank for rank, merge in enumerate(merges)}
        return tok


merges_lists = edit(
    "Tokenizer",
    "merges-of-lists",
    "After loading the merges are lists of two: JSON knows no tuples. They are to be "
    "tuples as before, or they cannot be looked up in a dict.",
    'merges = [tuple(t.encode("latin-1") for t in m) for m in state["merges"]]',
    """merges = [[t.encode("latin-1") for t in m] for m in state["merges"]]
        made = cls([], state["special_tokens"], pattern=state["pattern"])
        made.merges = merges
        made.ranks = {tuple(merge): rank for rank, merge in enumerate(merges)}
        made.ids = {t.encode("latin-1"): i for t, i in state["ids"].items()}
        made.vocab = {i: token for token, i in made.ids.items()}
        return made""",
)


@mistake(
    "Tokenizer",
    "another-file",
    "The file that was asked for is not there: its name was changed, with an ending "
    "added, say. What is written is the file `path`, and only that can be moved and "
    "loaded again.",
)
class TokenizerWithAnEndingOfItsOwn(Tokenizer):
    def save(self, path):
        super().save(path.removesuffix(".json") + ".bpe")

    @classmethod
    def load(cls, path):
        return super().load(path.removesuffix(".json") + ".bpe")


stripped_when_saved = edit(
    "Tokenizer",
    "special-tokens-stripped-by-saving",
    "After loading, a special token has lost the white space at its ends. It is any "
    "text, and comes back as it was.",
    '"special_tokens": self.special_tokens,',
    '"special_tokens": [text.strip() for text in self.special_tokens],',
)
specials_lost = edit(
    "Tokenizer",
    "special-tokens-lost-by-saving",
    "The special tokens are gone after loading. All that the tokenizer was made with "
    "must be in the file.",
    'return cls(merges, state["special_tokens"], pattern=',
    "return cls(merges, pattern=",
)


@mistake("Tokenizer", "special-tokens-lost-by-saving")
class TokenizerLoadedFromItsMerges(Tokenizer):
    @classmethod
    def load(cls, path):
        return cls(super().load(path).merges)


@mistake("Tokenizer", "special-tokens-lost-by-saving")
class TokenizerLoadedWithoutSpecials(Tokenizer):
    @classmethod
    def load(cls, path):
        whole = super().load(path)
        return cls(whole.merges, pattern=whole.pattern)


@mistake(
    "Tokenizer",
    "lost-when-saved-again",
    "A tokenizer that was loaded cannot be saved, or not whole: something that saving "
    "needs is only in one that was made anew. Loading has to bring that back, too.",
)
class TokenizerThatIsSavedOnce(Tokenizer):
    def __init__(self, merges, special_tokens=(), *, pattern=GPT2_PATTERN, ids=None):
        super().__init__(merges, special_tokens, pattern=pattern, ids=ids)
        self.original = self

    def save(self, path):
        Tokenizer.save(self.original, path)

    @classmethod
    def load(cls, path):
        whole, made = Tokenizer.load(path), object.__new__(cls)
        made.__dict__.update(whole.__dict__)
        return made


@mistake("Tokenizer", "lost-when-saved-again")
class TokenizerThatIsSavedWithoutSpecials(Tokenizer):
    loaded = False

    def save(self, path):
        specials = [] if self.loaded else self.special_tokens
        Tokenizer(self.merges, specials, pattern=self.pattern, ids=self.ids).save(path)

    @classmethod
    def load(cls, path):
        made = super().load(path)
        made.loaded = True
        return made


@mistake("Tokenizer", "lost-when-saved-again")
class TokenizerThatIsSavedWithoutItsPattern(Tokenizer):
    loaded = False

    def save(self, path):
        pattern = GPT2_PATTERN if self.loaded else self.pattern
        specials, ids = self.special_tokens, self.ids
        Tokenizer(self.merges, specials, pattern=pattern, ids=ids).save(path)

    @classmethod
    def load(cls, path):
        made = super().load(path)
        made.loaded = True
        return made


pattern_lost = edit(
    "Tokenizer",
    "pattern-lost-by-saving",
    "After loading the text is cut by GPT-2's pattern again: the one that was given is "
    "not in the file, or not read from it.",
    ', pattern=state["pattern"]',
    "",
)
ids_lost = edit(
    "Tokenizer",
    "ids-lost-by-saving",
    "After loading the tokens have the usual numbers again: the ids that were given are "
    "not in the file, or not read from it.",
    ", ids=ids)",
    ")",
)
appended = edit(
    "Tokenizer",
    "file-not-overwritten",
    "What the file held before is still in it: it was appended to. Saving replaces the "
    "file.",
    'with open(path, "w", encoding="utf-8") as file:\n            json.dump(state, file)',
    'with open(path, "a", encoding="utf-8") as file:\n            json.dump(state, file)',
)


@mistake(
    "Tokenizer",
    "file-not-overwritten",
)
class TokenizerThatKeepsAnOldFile(Tokenizer):
    def save(self, path):
        try:
            super().save(open(path, "x").name)
        except FileExistsError:
            return


@mistake(
    "Tokenizer",
    "kept-in-the-class",
    "What was loaded is not what is in the file but what was saved last: it was kept in "
    "the class, or in a global, where every tokenizer shares it.",
)
class TokenizerSavedInItsClass(Tokenizer):
    saved = None

    def save(self, path):
        with open(path, "w") as file:
            file.write("saved")
        type(self).saved = self

    @classmethod
    def load(cls, path):
        return cls.saved


@mistake("Tokenizer", "kept-in-the-class")
class TokenizerSavedByName(Tokenizer):
    saved = {}  # noqa: RUF012

    def save(self, path):
        with open(path, "w") as file:
            file.write(path)
        self.saved[path] = self

    @classmethod
    def load(cls, path):
        return cls.saved.get(path) or next(reversed(cls.saved.values()))


@mistake(
    "Tokenizer",
    "load-returns-nothing",
    "load gave nothing back. It is a class method that returns a new tokenizer.",
)
class TokenizerLoadingIntoNothing(Tokenizer):
    @classmethod
    def load(cls, path):
        super().load(path)


@mistake(
    "Tokenizer",
    "load-needs-an-object",
    "load could not be called on the class: it wants an object first. It is a class "
    "method, called as Tokenizer.load(path).",
)
class TokenizerLoadingIntoItself(Tokenizer):
    def load(self, path):
        loaded = Tokenizer.load(path)
        self.__dict__.update(loaded.__dict__)
        return self


# train

BEST = "pair = min(counts, key=lambda pair: (-counts[pair], pair), default=None)"

least_frequent = edit(
    "train",
    "least-frequent-pair",
    "The rarest pair was merged. It is the most frequent that saves most: of "
    "'aaabdaaabac' the first merge is (a, a), which occurs four times.",
    BEST,
    "pair = min(counts, key=lambda pair: (counts[pair], pair), default=None)",
)
least_frequent_of_frequent = edit(
    "train",
    "least-frequent-pair",
    "",
    BEST,
    "pair = min((p for p in counts if counts[p] > 1), "
    "key=lambda p: (counts[p], p), default=None)",
)
first_seen = edit(
    "train",
    "first-pair-seen",
    "The pair that comes first in the text was merged, whatever its count. It is the "
    "most frequent that is merged.",
    BEST,
    "pair = next((pair for pair in counts if counts[pair] > 1), None)",
)
smallest = edit(
    "train",
    "smallest-pair",
    "The pair with the smallest ids was merged, whatever its count. The count decides, "
    "and the ids only between equal counts.",
    BEST,
    "pair = min((p for p in counts if counts[p] > 1), default=None)",
)
ties_first_seen = edit(
    "train",
    "ties-by-first-seen",
    "Of equally frequent pairs the one that was seen first was merged. It is the "
    "smallest (left id, right id) that wins, so that the order of the text does not "
    "matter.",
    BEST,
    "pair = max(counts, key=counts.get, default=None)",
)


@mistake("train", "ties-by-first-seen")
def train_most_common(text, vocab_size, special_tokens=()):
    if vocab_size < 256 + len(special_tokens):
        raise ValueError("vocab_size is too small")
    words = Counter(tuple(w.encode()) for w in regex.findall(GPT2_PATTERN, text))
    vocab = [bytes([byte]) for byte in range(256)]
    merges = []
    while len(vocab) + len(special_tokens) < vocab_size:
        counts = Counter()
        for word, frequency in words.items():
            for pair in pairwise(word):
                counts[pair] += frequency
        if not counts:
            break
        pair, count = counts.most_common(1)[0]
        if count < 2:
            break
        merges.append((vocab[pair[0]], vocab[pair[1]]))
        merged = Counter()
        for word, frequency in words.items():
            merged[merge_pair(word, pair, len(vocab))] = frequency
        words = merged
        vocab.append(b"".join(merges[-1]))
    return Tokenizer(merges, special_tokens)


ties_largest = edit(
    "train",
    "ties-by-largest",
    "Of equally frequent pairs the largest was merged. It is the smallest (left id, "
    "right id) that wins: of 'abcdabcd' the first merge is (a, b).",
    BEST,
    "pair = max(counts, key=lambda pair: (counts[pair], pair), default=None)",
)
ties_by_bytes = edit(
    "train",
    "ties-by-bytes",
    "Equally frequent pairs were ordered by their bytes, as in a dictionary. It is the "
    "ids that count: 'ab' has the id 256 and comes after every byte, also after z.",
    BEST,
    "pair = min(counts, key=lambda p: (-counts[p], tokens[p[0]], tokens[p[1]]), "
    "default=None)",
)
ties_by_right = edit(
    "train",
    "ties-by-right-id",
    "Equally frequent pairs were ordered by their right id first, or by the sum. The "
    "left id is compared first, then the right one.",
    BEST,
    "pair = min(counts, key=lambda p: (-counts[p], p[1], p[0]), default=None)",
)
ties_by_sum = edit(
    "train",
    "ties-by-sum",
    "Equally frequent pairs were ordered by the sum of their ids. The left id is "
    "compared first, then the right one.",
    BEST,
    "pair = min(counts, key=lambda p: (-counts[p], sum(p), p), default=None)",
)
ties_as_text = edit(
    "train",
    "ties-as-text",
    "Equally frequent pairs were ordered as text, in which 100 comes before 99. The ids "
    "are numbers and are compared as such.",
    BEST,
    "pair = min(counts, key=lambda pair: (-counts[pair], str(pair)), default=None)",
)
ties_by_left_only = edit(
    "train",
    "ties-by-left-id-only",
    "Of equally frequent pairs with the same left id the first seen was merged. The "
    "right id decides between them: the smaller one wins.",
    BEST,
    "pair = min(counts, key=lambda pair: (-counts[pair], pair[0]), default=None)",
)
newest_first = edit(
    "train",
    "ties-by-newest",
    "Of equally frequent pairs one with the newest token was merged. The smallest ids "
    "win, which are the oldest tokens.",
    BEST,
    "pair = max(counts, key=lambda p: (counts[p], max(p), -p[0], -p[1]), default=None)",
)
longest_preferred = edit(
    "train",
    "counts-times-length",
    "The pair that covers most bytes was merged and not the one that occurs most often. "
    "A count is the number of places.",
    BEST,
    "pair = min(counts, key=lambda p: (-counts[p] * len(tokens[p[0]] + tokens[p[1]]), "
    "p), default=None)",
)


WORDS_OF = "words = {tuple(word.encode()): n for word, n in pre_tokens.items()}"

frequency_ignored_in_training = edit(
    "train",
    "frequency-ignored",
    "Each different word was counted once, however often it occurs in the text. A pair "
    "in a word that occurs three times occurs three times.",
    WORDS_OF,
    WORDS_OF.replace(": n for", ": 1 for"),
)


@mistake("train", "frequency-ignored")
def train_on_a_set(text, vocab_size, special_tokens=()):
    once = "".join(dict.fromkeys(regex.findall(GPT2_PATTERN, text)))
    return train(once, vocab_size, special_tokens)


@mistake(
    "train",
    "overlaps-not-counted",
    "Overlapping occurrences were counted once. Every place counts: 'zzzz' has the pair "
    "(z, z) three times.",
)
def train_counting_without_overlap(text, vocab_size, special_tokens=()):
    if vocab_size < 256 + len(special_tokens):
        raise ValueError("vocab_size is too small")
    words = Counter(tuple(w.encode()) for w in regex.findall(GPT2_PATTERN, text))
    vocab = [bytes([byte]) for byte in range(256)]
    merges = []
    while len(vocab) + len(special_tokens) < vocab_size:
        counts = Counter()
        for word, frequency in words.items():
            for pair in set(pairwise(word)):
                saved = len(word) - len(merge_pair(word, pair, -1))
                counts[pair] += saved * frequency
        pair = min(counts, key=lambda pair: (-counts[pair], pair), default=None)
        if pair is None or counts[pair] < 2:
            break
        words = {merge_pair(w, pair, len(vocab)): n for w, n in words.items()}
        merges.append((vocab[pair[0]], vocab[pair[1]]))
        vocab.append(b"".join(merges[-1]))
    return Tokenizer(merges, special_tokens)


@mistake("train", "overlaps-not-counted")
def train_counting_by_find(text, vocab_size, special_tokens=()):
    room = vocab_size - 256 - len(special_tokens)
    if room < 0:
        raise ValueError("vocab_size is too small")
    border = chr(0x10FFFF)
    words = [w.encode().decode("latin-1") for w in regex.findall(GPT2_PATTERN, text)]
    line = border.join(words)
    vocab = [bytes([byte]) for byte in range(256)]
    merges = []
    for _ in range(room):
        pairs = {a + b for a, b in pairwise(line) if border not in (a, b)}
        counts = {pair: line.count(pair) for pair in pairs}
        pair = min(counts, key=lambda pair: (-counts[pair], pair), default="")
        if not pair or counts[pair] < 2:
            break
        line = line.replace(pair, chr(len(vocab)))
        merges.append((vocab[ord(pair[0])], vocab[ord(pair[1])]))
        vocab.append(b"".join(merges[-1]))
    return Tokenizer(merges, special_tokens)


one_piece = edit(
    "train",
    "merges-cross-words",
    "The text was not cut into pre-tokens, so that a merge reaches from a word into the "
    "space or the sign after it. No merge crosses a border: 'a. a. a.' has no pair "
    "(a, .).",
    "pre_tokens = Counter(regex.findall(GPT2_PATTERN, text))",
    "pre_tokens = Counter([text])",
)


@mistake("train", "merges-cross-words")
def train_on_all_bytes_in_a_row(text, vocab_size, special_tokens=()):
    if vocab_size < 256 + len(special_tokens):
        raise ValueError("vocab_size is too small")
    ids = list(text.encode())
    vocab = [bytes([byte]) for byte in range(256)]
    merges = []
    while len(vocab) < vocab_size - len(special_tokens):
        counts = Counter(pairwise(ids))
        best = min(counts, key=lambda pair: (-counts[pair], pair), default=None)
        if best is None or counts[best] < 2:
            break
        ids = list(merge_pair(ids, best, len(vocab)))
        merges.append((vocab[best[0]], vocab[best[1]]))
        vocab.append(b"".join(merges[-1]))
    return Tokenizer(merges, special_tokens)


split_at_spaces = edit(
    "train",
    "split-at-white-space",
    "The text was split at white space, which is gone then: no token learns the space "
    "before a word, and signs hang on to words. Cut it with GPT2_PATTERN.",
    "regex.findall(GPT2_PATTERN, text)",
    "text.split()",
)
split_words = edit(
    "train",
    "split-at-white-space",
    "",
    "regex.findall(GPT2_PATTERN, text)",
    r"regex.findall(r'\w+|[^\w\s]', text)",
)
signs_with_words = edit(
    "train",
    "signs-left-on-words",
    "The text was cut at spaces only, so that signs and digits stay with the letters "
    "beside them. GPT2_PATTERN cuts between letters, numbers and signs: 'go!' is go "
    "and !.",
    "regex.findall(GPT2_PATTERN, text)",
    r"regex.findall(r' ?\S+|\s+(?!\S)|\s+', text)",
)
decimal_digits_in_training = edit(
    "train",
    "only-decimal-digits",
    "Only decimal digits were taken for numbers, as \\d does. \\p{N} is every number, ² "
    "and ½ too: '2²' is one pre-token, and '½!' is two.",
    "regex.findall(GPT2_PATTERN, text)",
    r"regex.findall(GPT2_PATTERN.replace(r'\p{N}', r'\d'), text)",
)
words_once_dropped = edit(
    "train",
    "rare-words-dropped",
    "Words that occur once in the text were left out. They count as often as they "
    "occur, and a pair may stand in one of them twice: 'abab'.",
    WORDS_OF,
    WORDS_OF.replace("()}", "() if n > 1}"),
)
characters = edit(
    "train",
    "characters-not-bytes",
    "Characters were merged, not bytes: beyond ASCII there are no ids for them. 'é' is "
    "the bytes 195, 169, and their pair is one to be counted.",
    WORDS_OF,
    "words = {tuple(ord(c) % 256 for c in word): n for word, n in pre_tokens.items()}",
)
ascii_only = edit(
    "train",
    "beyond-ascii-dropped",
    "What is not ASCII was left out of the training text. Every byte of its UTF-8 "
    "counts.",
    WORDS_OF,
    WORDS_OF.replace("word.encode()", "word.encode('ascii', 'ignore')"),
)
lowered = edit(
    "train",
    "case-lost",
    "Capitals were counted as small letters. Bytes are counted as they are.",
    "regex.findall(GPT2_PATTERN, text)",
    "regex.findall(GPT2_PATTERN, text.lower())",
)

ends_stripped = edit(
    "train",
    "text-stripped",
    "White space at the ends of the text was left out. It is text like any other, and "
    "its pairs count.",
    "regex.findall(GPT2_PATTERN, text)",
    "regex.findall(GPT2_PATTERN, text.strip())",
)
CHECK = """    if n_merges < 0:
        raise ValueError(
            f"vocab_size {vocab_size} is less than 256 bytes and "
            f"{len(special_tokens)} special tokens"
        )
"""

bytes_forgotten = edit(
    "train",
    "vocab-size-off-by-256",
    "There are 256 tokens too many: vocab_size was taken for the number of merges. It "
    "counts the bytes and the special tokens too.",
    "for new_id in range(256, 256 + n_merges):",
    "for new_id in range(256, 256 + n_merges + 256):",
)
bytes_that_occur_counted = edit(
    "train",
    "only-the-bytes-that-occur-counted",
    "There are too many tokens: of the bytes only those that occur in the text were "
    "counted. The vocabulary has all 256, whatever the text.",
    "n_merges = vocab_size - 256 - len(special_tokens)",
    "n_merges = vocab_size - len(set(text.encode())) - len(special_tokens)",
)
specials_forgotten = edit(
    "train",
    "vocab-size-off-by-specials",
    "The vocabulary is too large by the special tokens: they were not counted in "
    "vocab_size.",
    "for new_id in range(256, 256 + n_merges):",
    "for new_id in range(256, vocab_size):",
)
specials_twice = edit(
    "train",
    "vocab-size-too-small-by-specials",
    "The vocabulary is too small: room was left for the special tokens twice.",
    "for new_id in range(256, 256 + n_merges):",
    "for new_id in range(256, 256 + n_merges - len(special_tokens)):",
)
one_too_many = edit(
    "train",
    "one-merge-too-many",
    "There is one token more than vocab_size. It counts all tokens: the bytes, the "
    "merges and the special tokens.",
    "range(256, 256 + n_merges)",
    "range(256, 257 + n_merges)",
)
one_too_few = edit(
    "train",
    "one-merge-too-few",
    "There is one token less than vocab_size, though a pair still occurs twice.",
    "range(256, 256 + n_merges)",
    "range(257, 256 + n_merges)",
)

no_stop = edit(
    "train",
    "merges-pairs-that-occur-once",
    "Pairs that occur only once were merged. Nothing is learned from them: stop when no "
    "pair occurs twice.",
    "if pair is None or counts[pair] < 2:",
    "if pair is None:",
)
stops_too_early = edit(
    "train",
    "pair-that-occurs-twice-refused",
    "A pair that occurs twice was not merged any more. Training stops when the best "
    "count is below 2.",
    "counts[pair] < 2:",
    "counts[pair] <= 2:",
)
empty_fails = edit(
    "train",
    "no-pairs-left-is-an-error",
    "When no pair is left, training ends in an error: the largest of nothing. A text "
    "that is empty, or wholly merged, ends it early, and that is no fault.",
    """, default=None)
        if pair is None or counts""",
    """)
        if counts""",
)
no_error = edit(
    "train",
    "too-small-a-vocabulary-accepted",
    "vocab_size has no room for the 256 bytes and the special tokens, and nobody said "
    "so. That is a ValueError.",
    CHECK,
    "",
)
asserted = edit(
    "train",
    "another-kind-of-error",
    "Too small a vocab_size is an error, but not the one that is due, a ValueError. An "
    "assertion is gone, too, when Python runs with -O.",
    "raise ValueError(",
    "raise AssertionError(",
)
specials_not_in_the_error = edit(
    "train",
    "too-small-a-vocabulary-accepted",
    "",
    "if n_merges < 0:",
    "if vocab_size < 256:",
)
error_too_early = edit(
    "train",
    "no-merges-refused",
    "A vocabulary of just the bytes and the special tokens was refused. It is a small "
    "one, without merges, and no error.",
    "if n_merges < 0:",
    "if n_merges <= 0:",
)

counted_once = edit(
    "train",
    "counted-only-once",
    "All merges come from the counts before the first one. Each merge makes new pairs "
    "and takes old ones away, so that the pairs are to be counted again.",
    """    merges = []
    for new_id in range(256, 256 + n_merges):
        counts = count_pairs(words)
""",
    """    merges = []
    counts = count_pairs(words)
    for new_id in range(256, 256 + n_merges):
        if merges:
            del counts[pair]
""",
)


@mistake("train", "counted-only-once")
def train_on_the_most_common_pairs(text, vocab_size, special_tokens=()):
    n_merges = vocab_size - 256 - len(special_tokens)
    if n_merges < 0:
        raise ValueError("vocab_size is too small")
    pre_tokens = Counter(regex.findall(GPT2_PATTERN, text))
    counts = count_pairs({tuple(w.encode()): n for w, n in pre_tokens.items()})
    best = sorted(counts, key=lambda pair: (-counts[pair], pair))[:n_merges]
    merges = [(bytes([a]), bytes([b])) for a, b in best if counts[a, b] > 1]
    return Tokenizer(merges, special_tokens)


first_place_only = edit(
    "train",
    "merged-at-the-first-place-only",
    "The best pair was merged once in each word and stayed everywhere else. It is "
    "merged wherever it stands.",
    "words = {merge_pair(word, pair, new_id): n for word, n in words.items()}",
    """merged = {}
        for word, n in words.items():
            places = [i for i in range(len(word) - 1) if word[i : i + 2] == pair][:1]
            for i in places:
                word = (*word[:i], new_id, *word[i + 2 :])
            merged[word] = n
        words = merged""",
)
merges_of_ids = edit(
    "train",
    "merges-of-ids",
    "The merges are pairs of ids. Pairs of bytes are due, the two tokens themselves.",
    "merges.append((left, right))",
    "merges.append(pair)",
)
merges_turned = edit(
    "train",
    "parts-exchanged",
    "The two parts of each merge are exchanged: the left one comes first.",
    "merges.append((left, right))",
    "merges.append((right, left))",
)
list_of_merges = edit(
    "train",
    "no-tokenizer-returned",
    "The merges came back. A Tokenizer made of them is due.",
    "return Tokenizer(merges, special_tokens)",
    "return merges",
)
specials_dropped = edit(
    "train",
    "special-tokens-dropped",
    "The tokenizer has no special tokens: they were not handed on to it.",
    "return Tokenizer(merges, special_tokens)",
    "return Tokenizer(merges)",
)


@mistake(
    "train",
    "special-ids-at-the-end-of-vocab-size",
    "After an early stop the special tokens have the last ids below vocab_size, with a "
    "gap before them. They follow the last merge at once.",
)
def train_with_a_gap(text, vocab_size, special_tokens=()):
    tok = train(text, vocab_size, special_tokens)
    ids = {token: i for i, token in Tokenizer(tok.merges).vocab.items()}
    first = vocab_size - len(special_tokens)
    for place, special in enumerate(special_tokens):
        ids[special.encode()] = first + place
    return Tokenizer(tok.merges, special_tokens, ids=ids)


@mistake(
    "train",
    "special-tokens-first",
    "The special tokens got the ids from 256 on, and the merges come after them. They "
    "come last.",
)
def train_with_specials_first(text, vocab_size, special_tokens=()):
    tok = train(text, vocab_size, special_tokens)
    tokens = [bytes([byte]) for byte in range(256)]
    tokens += [special.encode() for special in special_tokens]
    tokens += [left + right for left, right in tok.merges]
    ids = {token: i for i, token in enumerate(tokens)}
    return Tokenizer(tok.merges, special_tokens, ids=ids)


specials_in_another_order = edit(
    "train",
    "special-tokens-sorted",
    "The special tokens were numbered in another order than the one given: sorted, or "
    "as a set. Their order is their ids' order.",
    "return Tokenizer(merges, special_tokens)",
    "return Tokenizer(merges, sorted(special_tokens))",
)


@mistake(
    "train",
    "special-tokens-cut-out-of-the-text",
    "The text of a special token was cut out before training. In the training text it "
    "is plain text, and its pairs count.",
)
def train_without_special_text(text, vocab_size, special_tokens=()):
    for special in special_tokens:
        text = text.replace(special, "")
    return train(text, vocab_size, special_tokens)


@mistake("train", "special-tokens-cut-out-of-the-text")
def train_between_specials(text, vocab_size, special_tokens=()):
    if special_tokens:
        cut = "|".join(map(regex.escape, special_tokens))
        text = "\n".join(regex.split(cut, text))
    return train(text, vocab_size, special_tokens)


@mistake(
    "train",
    "stale-counts",
    "Counts that were kept from merge to merge have gone wrong: what a merge takes away "
    "from the pairs beside it was not taken off. After (a, b) in 'xaby' the pairs (x, a) "
    "and (b, y) are gone.",
)
def train_without_taking_off(text, vocab_size, special_tokens=()):
    n_merges = vocab_size - 256 - len(special_tokens)
    if n_merges < 0:
        raise ValueError("vocab_size is too small")
    pre_tokens = Counter(regex.findall(GPT2_PATTERN, text))
    words = {tuple(word.encode()): n for word, n in pre_tokens.items()}
    counts = count_pairs(words)
    vocab = [bytes([byte]) for byte in range(256)]
    merges = []
    for new_id in range(256, 256 + n_merges):
        pair = min(counts, key=lambda pair: (-counts[pair], pair), default=None)
        if pair is None or counts[pair] < 2:
            break
        merges.append((vocab[pair[0]], vocab[pair[1]]))
        vocab.append(b"".join(merges[-1]))
        words = {merge_pair(word, pair, new_id): n for word, n in words.items()}
        del counts[pair]
        for new, count in count_pairs(words).items():
            if new_id in new:
                counts[new] = count
    return Tokenizer(merges, special_tokens)


@mistake(
    "train",
    "runs-counted-wrong",
    "Counts that were kept from merge to merge are wrong where one pair follows the "
    "other at once, as in 'abab' or 'aaaa': the pair between two merges, (b, a), was "
    "forgotten.",
)
def train_incremental_without_neighbours(text, vocab_size, special_tokens=()):
    n_merges = vocab_size - 256 - len(special_tokens)
    if n_merges < 0:
        raise ValueError("vocab_size is too small")
    pre_tokens = Counter(regex.findall(GPT2_PATTERN, text))
    words = [[list(word.encode()), n] for word, n in pre_tokens.items()]
    counts = count_pairs({tuple(word): n for word, n in words})
    vocab = [bytes([byte]) for byte in range(256)]
    merges = []
    for new_id in range(256, 256 + n_merges):
        pair = min(counts, key=lambda pair: (-counts[pair], pair), default=None)
        if pair is None or counts[pair] < 2:
            break
        merges.append((vocab[pair[0]], vocab[pair[1]]))
        vocab.append(b"".join(merges[-1]))
        for word, n in words:
            i = 0
            while i < len(word) - 1:
                if (word[i], word[i + 1]) == pair:
                    counts[pair] -= n
                    if i and word[i - 1] != new_id:
                        counts[word[i - 1], pair[0]] -= n
                        counts[word[i - 1], new_id] += n
                    if i + 2 < len(word):
                        counts[pair[1], word[i + 2]] -= n
                        counts[new_id, word[i + 2]] += n
                    word[i : i + 2] = [new_id]
                i += 1
    return Tokenizer(merges, special_tokens)


@mistake(
    "train",
    "kept-between-calls",
    "The second training still has merges or counts of the first: something outlives "
    "the call, as a default argument or a global does.",
)
def train_into_a_default(text, vocab_size, special_tokens=(), words=Counter()):  # noqa: B006, B008
    n_merges = vocab_size - 256 - len(special_tokens)
    if n_merges < 0:
        raise ValueError("vocab_size is too small")
    words.update(tuple(w.encode()) for w in regex.findall(GPT2_PATTERN, text))
    vocab = [bytes([byte]) for byte in range(256)]
    merges, cut = [], words
    while len(merges) < n_merges:
        counts = count_pairs(cut)
        pair = min(counts, key=lambda pair: (-counts[pair], pair), default=None)
        if pair is None or counts[pair] < 2:
            break
        merges.append((vocab[pair[0]], vocab[pair[1]]))
        cut = {merge_pair(word, pair, len(vocab)): n for word, n in cut.items()}
        vocab.append(b"".join(merges[-1]))
    return Tokenizer(merges, special_tokens)


# tokenize_fast


@mistake(
    "tokenize_fast",
    "work-for-every-merge",
    "For each pre-token something is still done with every merge, although hardly any "
    "applies: each is tried, or a table of all is built anew. Ask the other way round: "
    "which of the pairs that are there is a merge, and of what rank?",
)
def slow_tokenize(text, merges):
    """Ids of a text: 0 to 255 are the bytes, merge number r makes the id 256 + r."""
    vocab = [bytes([byte]) for byte in range(256)]
    vocab += [left + right for left, right in merges]
    ids = []
    for pre_token in regex.findall(GPT2_PATTERN, text):
        tokens = [bytes([byte]) for byte in pre_token.encode()]
        for left, right in merges:
            merged = []
            while tokens:
                if tokens[:2] == [left, right]:
                    merged.append(left + right)
                    tokens = tokens[2:]
                else:
                    merged.append(tokens[0])
                    tokens = tokens[1:]
            tokens = merged
        for token in tokens:
            ids.append(vocab.index(token))
    return ids


@mistake("tokenize_fast", "work-for-every-merge")
def tokenize_skipping_absent_merges(text, merges):
    numbers = {bytes([byte]): byte for byte in range(256)}
    numbers |= {left + right: 256 + i for i, (left, right) in enumerate(merges)}
    cache = {}
    ids = []
    for pre_token in regex.findall(GPT2_PATTERN, text):
        if pre_token not in cache:
            tokens = tuple(bytes([byte]) for byte in pre_token.encode())
            for left, right in merges:
                if left in tokens and right in tokens:
                    tokens = merge_pair(tokens, (left, right), left + right)
            cache[pre_token] = [numbers[token] for token in tokens]
        ids += cache[pre_token]
    return ids


@mistake("tokenize_fast", "work-for-every-merge")
def tokenize_with_a_table_each_time(text, merges):
    def encode(pre_token):
        ranks = {}
        for rank, pair in enumerate(merges):
            ranks[pair] = rank
        tokens = [bytes([byte]) for byte in pre_token.encode()]
        while True:
            found = [pair for pair in pairwise(tokens) if pair in ranks]
            if not found:
                break
            pair = min(found, key=ranks.get)
            place = list(pairwise(tokens)).index(pair)
            tokens[place : place + 2] = [pair[0] + pair[1]]
        numbers = {left + right: 256 + i for i, (left, right) in enumerate(merges)}
        return [numbers.get(token, token[0]) for token in tokens]

    return [i for word in regex.findall(GPT2_PATTERN, text) for i in encode(word)]


@mistake(
    "tokenize_fast",
    "list-searched",
    "The list of merges is searched, for a pair or for a merge's place. That is a loop "
    "too, inside one word of Python: it compares merge after merge. A table finds a pair "
    "at once, and is filled in one pass, in which the places are counted.",
)
def tokenize_by_index(text, merges):
    known = {bytes([byte]): byte for byte in range(256)}
    for rank, (left, right) in enumerate(merges):
        known[left + right] = 256 + rank
    cache = {}
    for pre_token in regex.findall(GPT2_PATTERN, text):
        if pre_token in cache:
            continue
        tokens = [bytes([byte]) for byte in pre_token.encode()]
        while True:
            found = [pair for pair in pairwise(tokens) if pair in merges]
            if not found:
                break
            pair = min(found, key=merges.index)
            tokens = list(merge_pair(tokens, pair, pair[0] + pair[1]))
        cache[pre_token] = [known[token] for token in tokens]
    return [i for word in regex.findall(GPT2_PATTERN, text) for i in cache[word]]


@mistake("tokenize_fast", "list-searched")
def tokenize_by_a_table_of_indices(text, merges):
    ranks = {pair: merges.index(pair) for pair in merges}
    known = {left + right: 256 + i for i, (left, right) in enumerate(merges)}

    @cache
    def encode(pre_token):
        tokens = tuple(bytes([byte]) for byte in pre_token.encode())
        while found := [pair for pair in pairwise(tokens) if pair in ranks]:
            pair = min(found, key=ranks.get)
            tokens = merge_pair(tokens, pair, pair[0] + pair[1])
        return [known.get(token, token[0]) for token in tokens]

    return [i for word in regex.findall(GPT2_PATTERN, text) for i in encode(word)]


@mistake("tokenize_fast", "list-searched")
def tokenize_by_vocabulary_index(text, merges):
    ranks = {pair: rank for rank, pair in enumerate(merges)}
    vocab = [bytes([byte]) for byte in range(256)]
    vocab += [left + right for left, right in merges]

    @cache
    def encode(pre_token):
        tokens = tuple(bytes([byte]) for byte in pre_token.encode())
        while found := [pair for pair in pairwise(tokens) if pair in merges]:
            pair = min(found, key=ranks.get)
            tokens = merge_pair(tokens, pair, pair[0] + pair[1])
        return [vocab.index(token) for token in tokens]

    return [i for word in regex.findall(GPT2_PATTERN, text) for i in encode(word)]


@mistake(
    "tokenize_fast",
    "nothing-remembered",
    "A pre-token that comes again is merged again. In running text most of them do: "
    "remember what each one gave.",
)
def tokenize_without_a_cache(text, merges):
    ranks = {pair: rank for rank, pair in enumerate(merges)}
    numbers = {bytes([byte]): byte for byte in range(256)}
    for rank, (left, right) in enumerate(merges):
        numbers[left + right] = 256 + rank
    ids = []
    for pre_token in regex.findall(GPT2_PATTERN, text):
        tokens = [bytes([byte]) for byte in pre_token.encode()]
        while len(tokens) > 1:
            pair = min(pairwise(tokens), key=lambda pair: ranks.get(pair, inf))
            if pair not in ranks:
                break
            merged, i = [], 0
            while i < len(tokens):
                if tuple(tokens[i : i + 2]) == pair:
                    merged.append(tokens[i] + tokens[i + 1])
                    i += 2
                else:
                    merged.append(tokens[i])
                    i += 1
            tokens = merged
        ids += [numbers[token] for token in tokens]
    return ids


no_cache = edit(
    "tokenize_fast",
    "nothing-remembered",
    "",
    "        if pre_token not in cache:\n            cache",
    "        if True:\n            cache",
)


@mistake(
    "tokenize_fast",
    "all-pairs-looked-at-for-each-merge",
    "For each merge that is made all pairs of the pre-token are looked at again, "
    "although only the two beside the merge are new. With n bytes that is n * n steps: "
    "a long word without spaces takes for ever.",
)
def tokenize_one_at_a_time(text, merges):
    ranks = {pair: rank for rank, pair in enumerate(merges)}
    numbers = {bytes([byte]): byte for byte in range(256)}
    for rank, (left, right) in enumerate(merges):
        numbers[left + right] = 256 + rank

    @cache
    def encode(pre_token):
        tokens = [bytes([byte]) for byte in pre_token.encode()]
        while True:
            lowest, place = inf, None
            for i, pair in enumerate(pairwise(tokens)):
                rank = ranks.get(pair, inf)
                if rank < lowest:
                    lowest, place = rank, i
            if place is None:
                break
            tokens[place : place + 2] = [tokens[place] + tokens[place + 1]]
        return [numbers[token] for token in tokens]

    return [i for word in regex.findall(GPT2_PATTERN, text) for i in encode(word)]


@mistake(
    "tokenize_fast",
    "kept-between-calls",
    "A pre-token got the ids that it had under the merges of an earlier call: what is "
    "remembered outlives the call, in a global or a default argument.",
)
def tokenize_with_a_cache_for_ever(text, merges, cache={}):  # noqa: B006
    ranks = {pair: rank for rank, pair in enumerate(merges)}
    ids = []
    for pre_token in regex.findall(GPT2_PATTERN, text):
        if pre_token not in cache:
            tokens = tuple(bytes([byte]) for byte in pre_token.encode())
            while found := [pair for pair in pairwise(tokens) if pair in ranks]:
                pair = min(found, key=ranks.get)
                tokens = merge_pair(tokens, pair, pair[0] + pair[1])
            known = {left + right: 256 + r for (left, right), r in ranks.items()}
            cache[pre_token] = [known.get(token, token[0]) for token in tokens]
        ids += cache[pre_token]
    return ids


@mistake("tokenize_fast", "kept-between-calls")
def tokenize_with_tables_of_a_list(text, merges, kept={}):  # noqa: B006
    # The list is kept as well: no other one can have its place in memory.
    if id(merges) not in kept:
        ranks = {pair: rank for rank, pair in enumerate(merges)}
        kept[id(merges)] = merges, ranks, {}
    _, ranks, known = kept[id(merges)]
    numbers = {left + right: 256 + rank for (left, right), rank in ranks.items()}
    ids = []
    for pre_token in regex.findall(GPT2_PATTERN, text):
        if pre_token not in known:
            tokens = tuple(bytes([byte]) for byte in pre_token.encode())
            while found := [pair for pair in pairwise(tokens) if pair in ranks]:
                pair = min(found, key=ranks.get)
                tokens = merge_pair(tokens, pair, pair[0] + pair[1])
            known[pre_token] = [numbers.get(token, token[0]) for token in tokens]
        ids += known[pre_token]
    return ids


@mistake("tokenize_fast", "left-to-right", LEFT_TO_RIGHT)
def tokenize_from_left_to_right(text, merges):
    numbers = {pair: 256 + rank for rank, pair in enumerate(merges)}

    @cache
    def encode(pre_token):
        stack = []
        for byte in pre_token.encode():
            stack.append(bytes([byte]))
            while tuple(stack[-2:]) in numbers:
                right = stack.pop()
                stack[-1] += right
        known = {left + right: i for (left, right), i in numbers.items()}
        return [known.get(token, token[0]) for token in stack]

    return [i for word in regex.findall(GPT2_PATTERN, text) for i in encode(word)]


@mistake(
    "tokenize_fast",
    "longest-match",
    "The longest token of the vocabulary was taken at each place. It is quick, but it "
    "is another cut: with (b, c), (a, b) the text 'abc' is a, bc and not ab, c.",
)
def tokenize_by_longest_match(text, merges):
    numbers = {bytes([byte]): byte for byte in range(256)}
    numbers |= {left + right: 256 + i for i, (left, right) in enumerate(merges)}
    longest = max(map(len, numbers))
    cache = {}
    for pre_token in set(regex.findall(GPT2_PATTERN, text)):
        rest, ids = pre_token.encode(), []
        while rest:
            size = min(longest, len(rest))
            while rest[:size] not in numbers:
                size -= 1
            ids.append(numbers[rest[:size]])
            rest = rest[size:]
        cache[pre_token] = ids
    return [i for word in regex.findall(GPT2_PATTERN, text) for i in cache[word]]


@mistake(
    "tokenize_fast",
    "highest-rank-first",
    "The merge that was learned last went first. It is the first learned that goes "
    "first, as in slow_tokenize: with (b, c), (a, b) the text 'abc' is a, bc.",
)
def tokenize_highest_first(text, merges):
    turned = [(-rank, pair) for rank, pair in enumerate(merges)]
    ranks = {pair: rank for rank, pair in turned}
    known = {left + right: 256 - rank for rank, (left, right) in turned}

    @cache
    def encode(pre_token):
        tokens = tuple(bytes([byte]) for byte in pre_token.encode())
        while found := [pair for pair in pairwise(tokens) if pair in ranks]:
            pair = min(found, key=ranks.get)
            tokens = merge_pair(tokens, pair, pair[0] + pair[1])
        return [known.get(token, token[0]) for token in tokens]

    return [i for word in regex.findall(GPT2_PATTERN, text) for i in encode(word)]


stale_taken = edit(
    "tokenize_fast",
    "stale-pair-on-the-heap",
    "A merge was taken from the heap although its tokens are gone: a neighbour was "
    "merged in the meantime. Look whether the pair is still there before merging it.",
    "if ids[left] is None or merged.get((ids[left], ids[right])) != new_id:",
    "if ids[left] is None or right >= end:",
)
FROM_THE_HEAP = """                heapq.heappush(queue, (new_id, place))

        for place in range(end):
            offer(place)
        while queue:
            new_id, left = heapq.heappop(queue)
            right = after[left]
            # What was pushed may be gone: a neighbour was merged in the meantime.
            if ids[left] is None or merged.get((ids[left], ids[right])) != new_id:
                continue
"""
left_not_compared = edit(
    "tokenize_fast",
    "stale-pair-on-the-heap",
    "",
    FROM_THE_HEAP,
    """                heapq.heappush(queue, (new_id, place, ids[after[place]]))

        for place in range(end):
            offer(place)
        while queue:
            new_id, left, due = heapq.heappop(queue)
            right = after[left]
            if ids[left] is None or ids[right] != due:
                continue
""",
)
right_not_compared = edit(
    "tokenize_fast",
    "stale-pair-on-the-heap",
    "",
    FROM_THE_HEAP,
    """                heapq.heappush(queue, (new_id, place, ids[place]))

        for place in range(end):
            offer(place)
        while queue:
            new_id, left, due = heapq.heappop(queue)
            right = after[left]
            if ids[left] != due or right >= end:
                continue
""",
)
rightmost_first = edit(
    "tokenize_fast",
    "merged-from-the-right",
    "Of equal pairs the rightmost was merged first: with (a, a) the text 'aaa' became "
    "a, aa. From left to right it is aa, a.",
    FROM_THE_HEAP,
    FROM_THE_HEAP.replace("(new_id, place)", "(new_id, -place)").replace(
        "heapq.heappop(queue)\n", "heapq.heappop(queue)\n            left = -left\n"
    ),
)
left_neighbour_not_told = edit(
    "tokenize_fast",
    "old-left-neighbour",
    "After a merge the token behind it still has the old left neighbour, which is gone. "
    "So a later merge misses the pair to its left: with (a, b), (ab, ab) the text "
    "'abab' is one token.",
    "            before[after[left]] = left\n",
    "",
)
numbered_from_257 = edit(
    "tokenize_fast",
    "numbered-from-257",
    "The merges' ids are one too high. Ids 0 to 255 are the bytes, and the first merge "
    "is 256.",
    "enumerate(merges, start=256)",
    "enumerate(merges, start=257)",
)
decimal_digits_fast = edit(
    "tokenize_fast",
    "only-decimal-digits",
    "Only decimal digits were taken for numbers, as \\d does. \\p{N} is every number, ² "
    "and ½ too: '2²' is one pre-token, and '½!' is two.",
    "regex.findall(GPT2_PATTERN, text)",
    r"regex.findall(GPT2_PATTERN.replace(r'\p{N}', r'\d'), text)",
)
FROM_THE_CACHE = """        if pre_token not in cache:
            cache[pre_token] = encode(pre_token.encode())
        ids += cache[pre_token]
"""
keyed_without_case = edit(
    "tokenize_fast",
    "kept-under-a-shared-key",
    "",
    FROM_THE_CACHE,
    FROM_THE_CACHE.replace("pre_token not", "pre_token.lower() not").replace(
        "cache[pre_token]", "cache[pre_token.lower()]"
    ),
)
keyed_without_space = edit(
    "tokenize_fast",
    "kept-under-a-shared-key",
    "",
    FROM_THE_CACHE,
    FROM_THE_CACHE.replace("pre_token not", "pre_token.strip() not").replace(
        "cache[pre_token]", "cache[pre_token.strip()]"
    ),
)


@mistake(
    "tokenize_fast",
    "kept-list-given-away",
    "What the caller did to a list that had come back is in the next answer: the list "
    "is kept and returned again. Return another one each time.",
)
def tokenize_returning_what_it_keeps(text, merges, kept={}):  # noqa: B006
    key = text, tuple(merges)
    if key not in kept:
        kept[key] = Tokenizer(merges).encode(text)
    return kept[key]


@mistake("tokenize_fast", "kept-between-calls")
def tokenize_with_ranks_of_a_list(text, merges, kept={}):  # noqa: B006
    # The list is kept as well: no other one can have its place in memory.
    ranks = {pair: rank for rank, pair in enumerate(merges)}
    _, ranks = kept.setdefault((id(merges), len(merges)), (merges, ranks))
    tok = Tokenizer(merges)
    tok.ranks = ranks
    return tok.encode(text)


@mistake("tokenize_fast", "kept-between-calls")
def tokenize_knowing_merges_by_their_ends(text, merges, kept={}):  # noqa: B006
    cache = kept.setdefault((len(merges), *merges[:1], *merges[-1:]), {})
    tok = Tokenizer(merges)
    ids = []
    for pre_token in regex.findall(GPT2_PATTERN, text):
        if pre_token not in cache:
            tokens = tok._merged(pre_token.encode())
            cache[pre_token] = [tok.ids[token] for token in tokens]
        ids += cache[pre_token]
    return ids


neighbours_not_offered = edit(
    "tokenize_fast",
    "new-pairs-forgotten",
    "What a merge makes was not merged further: the two pairs beside it are new and "
    "have ranks of their own.",
    """            offer(left)
            if before[left] >= 0:
                offer(before[left])
""",
    "",
)
left_neighbour_forgotten = edit(
    "tokenize_fast",
    "pair-to-the-left-forgotten",
    "After a merge only the pair to its right was looked at. The token to its left has "
    "a new neighbour too: with (b, c), (a, bc) the text 'abc' is one token.",
    """            if before[left] >= 0:
                offer(before[left])
""",
    "",
)
ranks_returned = edit(
    "tokenize_fast",
    "ranks-for-ids",
    "The merges' ids are their ranks, 0, 1, 2 and so on, which are the ids of bytes. "
    "Merge number r makes the id 256 + r.",
    "enumerate(merges, start=256)",
    "enumerate(merges)",
)
split_fast = edit(
    "tokenize_fast",
    "white-space-lost",
    "The text was cut at white space alone, so that white space is gone, or letters, "
    "numbers and signs stay together. The pre-tokens are those of GPT2_PATTERN, as in "
    "slow_tokenize.",
    "regex.findall(GPT2_PATTERN, text)",
    "text.split()",
)
split_fast_with_spaces = edit(
    "tokenize_fast",
    "white-space-lost",
    "",
    "regex.findall(GPT2_PATTERN, text)",
    r"regex.findall(r' ?\S+|\s+', text)",
)
one_piece_fast = edit(
    "tokenize_fast",
    "not-cut-into-words",
    "The text was not cut into pre-tokens, so that a merge could cross from one into "
    "the next.",
    "regex.findall(GPT2_PATTERN, text)",
    "[text]",
)
characters_fast = edit(
    "tokenize_fast",
    "characters-not-bytes",
    "The text was cut into characters, not into the bytes of its UTF-8: 'é' is 195, 169.",
    "encode(pre_token.encode())",
    "encode([ord(character) for character in pre_token])",
)


@mistake("tokenize_fast", "nothing-remembered")
def tokenize_remembering_the_last(text, merges):
    ranks = {pair: rank for rank, pair in enumerate(merges)}
    known = {left + right: 256 + i for i, (left, right) in enumerate(merges)}

    @lru_cache(maxsize=1)
    def encode(pre_token):
        tokens = [bytes([byte]) for byte in pre_token.encode()]
        while len(tokens) > 1:
            pair = min(pairwise(tokens), key=lambda pair: ranks.get(pair, inf))
            if pair not in ranks:
                break
            i = 0
            while i < len(tokens) - 1:
                if (tokens[i], tokens[i + 1]) == pair:
                    tokens[i : i + 2] = [pair[0] + pair[1]]
                i += 1
        return [known.get(token, token[0]) for token in tokens]

    return [i for word in regex.findall(GPT2_PATTERN, text) for i in encode(word)]


@mistake("tokenize_fast", "kept-between-calls")
def tokenize_remembering_answers(text, merges, answers={}):  # noqa: B006
    if (text, len(merges)) not in answers:
        answers[text, len(merges)] = Tokenizer(merges).encode(text)
    return answers[text, len(merges)]


@mistake(
    "tokenize_fast",
    "cache-grows",
    "The second time the same pre-token gives more ids: the list that was remembered is "
    "the one that the result is gathered in, and grows with it.",
)
def tokenize_into_the_cache(text, merges):
    ranks = {pair: rank for rank, pair in enumerate(merges)}
    known = {left + right: 256 + i for i, (left, right) in enumerate(merges)}
    cache, ids = {}, None
    for pre_token in regex.findall(GPT2_PATTERN, text):
        if pre_token not in cache:
            tokens = tuple(bytes([byte]) for byte in pre_token.encode())
            while found := [pair for pair in pairwise(tokens) if pair in ranks]:
                pair = min(found, key=ranks.get)
                tokens = merge_pair(tokens, pair, pair[0] + pair[1])
            cache[pre_token] = [known.get(token, token[0]) for token in tokens]
        if ids is None:
            ids = cache[pre_token]
        else:
            ids += cache[pre_token]
    return ids or []


@mistake(
    "tokenize_fast",
    "kept-under-a-shared-key",
    "Two pre-tokens got the same ids: what is remembered was stored under something "
    "that they share, and not under the whole pre-token.",
)
def tokenize_remembering_words_without_their_space(text, merges):
    ranks = {pair: rank for rank, pair in enumerate(merges)}
    known = {left + right: 256 + i for i, (left, right) in enumerate(merges)}
    cache = {}
    ids = []
    for pre_token in regex.findall(GPT2_PATTERN, text):
        key = pre_token.strip().lower() or pre_token
        if key not in cache:
            tokens = tuple(bytes([byte]) for byte in pre_token.encode())
            while found := [pair for pair in pairwise(tokens) if pair in ranks]:
                pair = min(found, key=ranks.get)
                tokens = merge_pair(tokens, pair, pair[0] + pair[1])
            cache[key] = [known.get(token, token[0]) for token in tokens]
        ids += cache[key]
    return ids


@mistake(
    "tokenize_fast",
    "first-occurrence-only",
    "A merge was applied where its pair stands first, and then never again in that "
    "pre-token. It applies wherever the pair stands.",
)
def tokenize_each_rank_once(text, merges):
    ranks = {pair: rank for rank, pair in enumerate(merges)}
    known = {left + right: 256 + i for i, (left, right) in enumerate(merges)}

    @cache
    def encode(pre_token):
        tokens = [bytes([byte]) for byte in pre_token.encode()]
        done = -1
        while True:
            found = [
                (ranks[pair], i)
                for i, pair in enumerate(pairwise(tokens))
                if ranks.get(pair, -1) > done
            ]
            if not found:
                return [known.get(token, token[0]) for token in tokens]
            done, i = min(found)
            tokens[i : i + 2] = [tokens[i] + tokens[i + 1]]

    return [i for word in regex.findall(GPT2_PATTERN, text) for i in encode(word)]


@mistake(
    "tokenize_fast",
    "merges-overlap",
    "One token went into two merges: with (a, a) the text 'aaa' became aa, aa. From "
    "left to right it is aa, a.",
)
def tokenize_with_overlaps(text, merges):
    ranks = {pair: rank for rank, pair in enumerate(merges)}
    known = {left + right: 256 + i for i, (left, right) in enumerate(merges)}

    @cache
    def encode(pre_token):
        tokens = [bytes([byte]) for byte in pre_token.encode()]
        while found := [pair for pair in pairwise(tokens) if pair in ranks]:
            best = min(found, key=ranks.get)
            hits = [i for i, pair in enumerate(pairwise(tokens)) if pair == best]
            for i in reversed(hits):
                tokens[i : i + 2] = [best[0] + best[1]]
        return [known.get(token, token[0]) for token in tokens]

    return [i for word in regex.findall(GPT2_PATTERN, text) for i in encode(word)]
