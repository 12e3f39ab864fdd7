"""The merges of a word as a tree, and the sampler's filters one after the other.

Both are worked out, not drawn by hand: the tree from a list of merges, the bars from
logits.
"""

from math import exp, inf

from rounds.site.diagrams.drawing import WIDTH, Drawing

MERGES = [("e", "r"), ("l", "o"), ("lo", "w"), ("low", "er"), ("er", "s")]
LOGITS = {"the": 3.2, "a": 2.6, "his": 2.2, "cat": 2.0, "one": 0.8, "q": -1.5}


def merged(word: str, merges: list[tuple[str, str]]) -> list[tuple[int, str, str]]:
    """The merges that happen in `word`, as (rank, left, right), in their order.

    The letters of the word are all different, so that a piece has one place.
    """
    pieces, done = list(word), []
    while True:
        pairs = list(zip(pieces, pieces[1:], strict=False))
        ranks = [merges.index(pair) for pair in pairs if pair in merges]
        if not ranks:
            return done
        left, right = merges[min(ranks)]
        at = pairs.index((left, right))
        pieces[at : at + 2] = [left + right]
        done.append((min(ranks), left, right))


def merges_tree(word: str = "lowers", merges=MERGES) -> Drawing:
    """A word's bytes below, and above them what each merge made of two pieces."""
    done = merged(word, merges)
    told = f"The word {word}: " + "; ".join(
        f"rank {rank} joins {left} and {right}" for rank, left, right in done
    )
    out = Drawing(f"How merges make tokens of {word!r}", told + ".", 0)
    step, row, places, levels = (WIDTH - 20) / len(word), 62, {}, {}
    for at, letter in enumerate(word):
        places[letter], levels[letter] = 10 + step * (at + 0.5), 0
    for _, left, right in done:
        places[left + right] = (places[left] + places[right]) / 2
        levels[left + right] = max(levels[left], levels[right]) + 1
    top = max(levels.values())

    def y(piece: str) -> float:
        return 8 + (top - levels[piece]) * row

    ranks = {left + right: rank for rank, left, right in done}
    for _, left, right in done:
        for part in (left, right):
            out.line(
                (places[left + right], y(left + right) + 38), (places[part], y(part))
            )
    used = {part for _, left, right in done for part in (left, right)}
    for piece, x in places.items():
        token = piece not in used
        out.box(x - 25, y(piece), 50, 38, fill=0.3 if token else 0.06)
        out.text(x, y(piece) + 17, piece, bold=token)
        below = f"rank {ranks[piece]}" if piece in ranks else "byte"
        out.text(x, y(piece) + 32, below, size=11)
    out.height = 8 + top * row + 46
    return out


def softmax(logits: dict[str, float]) -> dict[str, float]:
    """Probabilities of logits, of which some may be minus infinity."""
    peak = max(logits.values())
    exps = {token: exp(logit - peak) for token, logit in logits.items()}
    return {token: e / sum(exps.values()) for token, e in exps.items()}


def stages(said: str = "cat") -> list[tuple[str, dict[str, float]]]:
    """The steps of the sampler in the order of the chapter, and the logits after each.

    Penalty 1.5, temperature 0.8, top-k 5, top-p 0.9, min-p 0.3.
    """
    now = dict(LOGITS)
    found = [("logits", now)]
    now = now | {said: now[said] / 1.5}
    found.append(("repetition penalty", now))
    now = {token: logit / 0.8 for token, logit in now.items()}
    found.append(("temperature", now))
    ranked = sorted(now, key=now.__getitem__, reverse=True)
    now = {token: now[token] if token in ranked[:5] else -inf for token in now}
    found.append(("top-k", now))
    probs, kept = softmax(now), []
    while sum(probs[token] for token in kept) < 0.9:
        kept.append(ranked[len(kept)])
    now = {token: now[token] if token in kept else -inf for token in now}
    found.append(("top-p", now))
    probs = softmax(now)
    least = 0.3 * max(probs.values())
    now = {token: now[token] if probs[token] >= least else -inf for token in now}
    found.append(("min-p", now))
    return found


def sampler_pipeline() -> Drawing:
    """Each step of the sampler beside the probabilities after it."""
    steps = stages()
    left = {name: sum(x > -inf for x in now.values()) for name, now in steps}
    told = "; ".join(f"after {name} {n} tokens are left" for name, n in left.items())
    out = Drawing("The sampler, step by step", told + "; then one is drawn.", 0)
    top = 20  # the tokens' names stand above and below
    for at, token in enumerate(LOGITS):
        out.text(184 + at * 31, 14, token, size=11)
    for number, (name, now) in enumerate(steps):
        y, probs = top + number * 62, softmax(now)
        out.box(4, y + 6, 148, 32, fill=0.08)
        out.text(78, y + 27, name, bold=True)
        out.arrow((78, y + 38), (78, y + 68))
        for at, probability in enumerate(probs.values()):
            x = 172 + at * 31
            out.line((x, y + 44), (x + 24, y + 44))
            if probability:
                out.bar(x, y + 44, 24, 64 * probability)
            else:
                out.text(x + 12, y + 40, "×")
    y = top + len(steps) * 62
    out.box(4, y + 6, 148, 32, fill=0.3)
    out.text(78, y + 27, "softmax, draw one", bold=True)
    for at, token in enumerate(LOGITS):
        out.text(184 + at * 31, y - 2, token, size=11)
    out.height = y + 44
    return out
