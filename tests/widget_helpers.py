"""What the explorers should say, worked out in Python, and a page to ask them on."""

import numpy as np
import regex

from rounds.widgets.explorer import script


def softmax(x: np.ndarray) -> np.ndarray:
    exps = np.exp(x - x.max())
    return exps / exps.sum()


def expected(logits, temperature=1.0, top_k=0, top_p=1.0, min_p=0.0):
    """(probabilities, kept as bool, probabilities before the filters), by id."""
    x = np.asarray(logits, dtype=np.float64)
    if temperature == 0:
        x = np.where(np.arange(len(x)) == x.argmax(), x, -np.inf)
    else:
        x = x / temperature
    before = softmax(x)
    places = np.empty(len(x), dtype=int)
    places[np.argsort(-x, kind="stable")] = np.arange(len(x))
    if top_k:
        x = np.where(places < top_k, x, -np.inf)
    if top_p < 1:
        running = np.cumsum(np.sort(softmax(x))[::-1])
        x = np.where(places <= np.searchsorted(running, top_p), x, -np.inf)
    probs = softmax(x)
    x = np.where(probs >= min_p * probs.max(), x, -np.inf)
    return softmax(x), x > -np.inf, before


def uniforms(seed: int, n: int) -> list[float]:
    """SplitMix64, as its authors publish it, in 53 bits."""
    state, numbers, mask = seed, [], 2**64 - 1
    for _ in range(n):
        state = (state + 0x9E3779B97F4A7C15) & mask
        z = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9 & mask
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB & mask
        numbers.append(((z ^ (z >> 31)) >> 11) / 2**53)
    return numbers


def drawn(logits, seed: int, n: int, **settings) -> list[int]:
    """The ids that inverse CDF draws, most probable token first."""
    probs, _, _ = expected(logits, **settings)
    order = np.argsort(-np.asarray(logits), kind="stable")
    running = np.cumsum(probs[order])
    found = np.searchsorted(running, np.array(uniforms(seed, n)), side="right")
    return order[found].tolist()


PATTERN = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"


def merged(piece: list[bytes], pair: tuple[bytes, bytes]) -> list[bytes]:
    out: list[bytes] = []
    i = 0
    while i < len(piece):
        both = tuple(piece[i : i + 2]) == pair
        out.append(b"".join(pair) if both else piece[i])
        i += 1 + both
    return out


def pieces_of(text: str) -> list[list[bytes]]:
    cut = regex.findall(PATTERN, text)
    return [[bytes([byte]) for byte in piece.encode()] for piece in cut]


def learn(text: str, n: int) -> list[tuple[bytes, bytes]]:
    """n merges, each of the most frequent pair that stands there."""
    pieces, merges = pieces_of(text), []
    for _ in range(n):
        pairs = [p for piece in pieces for p in zip(piece, piece[1:], strict=False)]
        merges.append(max(sorted(set(pairs)), key=pairs.count))
        pieces = [merged(piece, merges[-1]) for piece in pieces]
    return merges


def bpe(text: str, merges, steps: float = np.inf) -> tuple[list[int], int]:
    """(ids, merges done) after at most so many steps: all of the lowest rank each."""
    ranks = {pair: rank for rank, pair in enumerate(merges)}
    ids = {bytes([byte]): byte for byte in range(256)}
    ids |= {left + right: 256 + rank for rank, (left, right) in enumerate(merges)}
    pieces, done = pieces_of(text), 0
    while done < steps:
        pairs = {p for piece in pieces for p in zip(piece, piece[1:], strict=False)}
        known = [pair for pair in pairs if pair in ranks]
        if not known:
            break
        pair = min(known, key=ranks.__getitem__)
        pieces = [merged(piece, pair) for piece in pieces]
        done += 1
    return [ids[token] for piece in pieces for token in piece], done


class Page:
    """A page of explorers in a browser, and what it complained of on the way.

    `names` are those of the explorers, in the order of the page.
    """

    def __init__(self, browser, address: str, names: list[str]) -> None:
        self.names = names
        self.context = browser.new_context(viewport={"width": 1280, "height": 900})
        self.complaints: list[str] = []
        self.tab = tab = self.context.new_page()
        complain = self.complaints.append
        tab.on("console", lambda said: said.type == "error" and complain(said.text))
        tab.on("pageerror", lambda error: complain(str(error)))
        tab.on("response", lambda answer: answer.status >= 400 and complain(answer.url))
        own = (address.rpartition("/chapters/")[0], "data:", "blob:")
        tab.on("request", lambda r: r.url.startswith(own) or complain(r.url))
        tab.goto(address, wait_until="networkidle")
        tab.wait_for_function(
            "n => document.querySelectorAll('.rounds-w').length === n", arg=len(names)
        )

    def explorer(self, name: str):
        return self.tab.locator(".rounds-explorer").nth(self.names.index(name))

    def drawn(self) -> None:
        """Wait until what was changed has been drawn, in the next frame."""
        frame = "new Promise(done => requestAnimationFrame(done))"
        self.tab.evaluate(f"() => {frame}.then(() => {frame})")

    def data(self, name: str, selector: str = "") -> list[dict[str, str]]:
        self.drawn()
        found = self.explorer(name).locator(f".rounds-w {selector}".strip())
        return found.evaluate_all("all => all.map(one => ({...one.dataset}))")

    def handle(self, name: str, slider: str):
        return self.explorer(name).get_by_role("slider", name=slider)

    def type(self, name: str, slider: str, number: float) -> None:
        """Write a number into the field beside a slider."""
        row = self.handle(name, slider).locator("xpath=ancestor::*[label][1]")
        readout = row.locator(".widget-readout")
        readout.fill(str(number))
        readout.press("Enter")

    def set(self, name: str, **settings: float) -> None:
        """Write all four settings of a sampling explorer; what is not named is off."""
        due = {"temperature": 1, "top_k": 0, "top_p": 1, "min_p": 0} | settings
        for trait, number in due.items():
            self.type(name, trait.replace("_", "-"), number)

    def call(self, name: str, function: str, cases: list) -> list:
        """What a function of an explorer's script returns for each case."""
        return self.tab.evaluate(
            """async ([source, body, cases]) => {
              const file = new Blob([source], {type: "text/javascript"});
              const script = await import(URL.createObjectURL(file));
              return cases.map(one => (0, eval)(body)(script, one));
            }""",
            [script(name), function, cases],
        )
