"""Attention with its shapes, and the cache that grows while a model decodes."""

from rounds.site.diagrams.drawing import WIDTH, Drawing

FLOW = (
    "x of shape (T, d_model) is projected to queries, keys and values. Queries and "
    "keys give scores of shape (Tq, Tk), divided by the square root of d_head. The "
    "mask sets some to minus infinity, softmax makes weights of each row, the weights "
    "mix the values to (Tq, d_head), and the heads together are projected to "
    "(T, d_model)."
)


def attention_flow() -> Drawing:
    """From a row of the model to the output, with the shape at every step."""
    out = Drawing("The data flow of attention, with shapes", FLOW, 452)
    middle, columns = WIDTH / 2, [62, 180, 298]

    def step(y: float, words: str, shape: str, x: float = 125, w: float = 226) -> None:
        out.box(x - w / 2, y, w, 40, fill=0.08)
        out.text(x, y + 17, words, bold=True)
        out.text(x, y + 33, shape, size=12)

    step(4, "x", "(T, d_model)", middle, 130)
    shapes = ["(Tq, d_head)", "(Tk, d_head)", "(Tk, d_head)"]
    for x, name, shape in zip(columns, "qkv", shapes, strict=True):
        out.arrow((middle, 44), (middle, 60), (x, 60), (x, 82))
        out.text(x + 6, 75, f"w_{name}", at="start", size=12)
        step(82, name, shape, x, 100)
    out.box(4, 64, WIDTH - 8, 324, dashed=True)
    out.text(WIDTH - 14, 376, "for each head", at="end", size=12)
    for x in columns[:2]:
        out.arrow((x, 122), (x, 152))
    steps = [
        ("scores = q kᵀ / √d_head", "(Tq, Tk)"),
        ("mask: −∞ where it is False", "(Tq, Tk)"),
        ("weights: softmax of each row", "(Tq, Tk)"),
        ("weights · v", "(Tq, d_head)"),
    ]
    for number, (words, shape) in enumerate(steps):
        y = 152 + 62 * number
        step(y, words, shape)
        out.arrow((125, y + 40), (125, y + 62))
    out.arrow((298, 122), (298, 327), (206, 327), (206, 338))
    step(400, "all heads side by side · w_o", "(T, d_model)")
    return out


def cache_growing(prompt: int = 4, steps: int = 3) -> Drawing:
    """What is computed and what is only read, at the prompt and at each step after."""
    told = (
        f"The prompt computes keys and values of {prompt} positions. Each of the next "
        f"{steps} steps computes those of one position, and reads all that are there: "
        + ", ".join(str(prompt + step) for step in range(1, steps + 1))
        + "."
    )
    out = Drawing("The cache grows by one position for each token", told, 0)
    side, left = 26, 92
    out.text(left, 16, "keys and values, by position", at="start", size=12)
    for step in range(steps + 1):
        y, length = 26 + step * 40, prompt + step
        out.text(4, y + 17, "prefill" if step == 0 else f"step {step}", at="start")
        for place in range(prompt + steps):
            new = place == length - 1 or step == 0
            there = place < length
            fill = (0.75 if new else 0.12) if there else 0
            x = left + place * (side + 4)
            out.box(x, y, side, side, fill=fill, dashed=not there)
        reads = left + (prompt + steps) * (side + 4) + 4
        out.text(reads, y + 17, f"reads {length}", at="start", size=12)
    y = 26 + (steps + 1) * 40 + 4
    out.box(left, y, 14, 14, fill=0.75)
    out.text(left + 20, y + 12, "computed now", at="start", size=12)
    out.box(left + 126, y, 14, 14, fill=0.12)
    out.text(left + 146, y + 12, "kept", at="start", size=12)
    out.height = y + 22
    return out
