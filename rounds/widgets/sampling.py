"""The sampling explorer: what temperature, top-k, top-p and min-p leave to draw from.

The arithmetic is sampling.js, in the order of the course: temperature, top-k, top-p,
min-p, each filter on the softmax of what the one before it left, then renormalised.
Ties go to the lowest id; sums are float64.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import traitlets
from anywidget import AnyWidget
from ipywidgets import FloatSlider, IntSlider

from rounds.widgets.explorer import Explorer, choice, script, style

HIGHEST_TEMPERATURE = 2.0
HIGHEST_TOP_K = 100
_FINEST = 15  # logits in steps of 2**-15 at most, else they are stored as floats
# The texts of a whole vocabulary are as large as the logits of three prompts. At the
# highest temperature one draw in thirteen falls on a token beyond this rank.
REACH = 12_000
SEPARATOR = "\x7f"


class SamplingDrawing(AnyWidget):
    """The bars and the draws.

    `logits` holds all prompts one after another, `texts` all tokens with SEPARATOR
    between them, nothing for a token that is shown by its id.
    """

    _esm = script("sampling")
    _css = style()
    logits = traitlets.Bytes().tag(sync=True)
    dtype = traitlets.Unicode().tag(sync=True)
    scale = traitlets.Float(1.0).tag(sync=True)
    texts = traitlets.Unicode().tag(sync=True)
    prompt = traitlets.Int(0).tag(sync=True)
    temperature = traitlets.Float(1.0).tag(sync=True)
    top_k = traitlets.Int(0).tag(sync=True)
    top_p = traitlets.Float(1.0).tag(sync=True)
    min_p = traitlets.Float(0.0).tag(sync=True)
    seed = traitlets.Int(0).tag(sync=True)


def sampling_explorer(
    logits: np.ndarray | Mapping[str, np.ndarray],
    texts: Sequence[bytes | str],
    *,
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
    min_p: float = 0.0,
    seed: int = 0,
) -> Explorer:
    """Sliders over next-token logits, with what they keep, remove and draw.

    logits: (vocab_size,) floats, or such an array for each of several prompts.
    texts: the text of each token in the order of the ids, as bytes or str.
    temperature: 0 to 2, where 0 is greedy. top_k: 0 to 100, where 0 is off.
    top_p: above 0, up to 1 (off). min_p: 0 (off) to 1. seed: of the draws, 0 or more.
    Raises ValueError for logits or texts that do not fit, or a setting out of range.
    """
    prompts = dict(logits) if isinstance(logits, Mapping) else {"": logits}
    arrays = [np.asarray(array) for array in prompts.values()]
    _refuse(arrays, len(texts))
    for name, value, least, most in (
        ("temperature", temperature, 0, HIGHEST_TEMPERATURE),
        ("top_k", top_k, 0, HIGHEST_TOP_K),
        ("top_p", top_p, 0.01, 1),
        ("min_p", min_p, 0, 1),
        ("seed", seed, 0, 2**31 - 1),
    ):
        if not least <= value <= most:
            raise ValueError(f"{name}={value}: it goes from {least} to {most}")
    dtype, scale, stored = encode(np.stack(arrays))
    drawing = SamplingDrawing(
        logits=stored,
        dtype=dtype,
        scale=scale,
        texts=SEPARATOR.join(within_reach(arrays, texts)),
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        min_p=min_p,
        seed=seed,
    )
    hundredths = {"step": 0.01, "readout_format": ".2f"}
    sliders = {
        "temperature": FloatSlider(value=temperature, min=0, max=2, step=0.05),
        "top-k (0: off)": IntSlider(value=top_k, min=0, max=HIGHEST_TOP_K),
        "top-p": FloatSlider(value=top_p, min=0.01, max=1, **hundredths),
        "min-p (0: off)": FloatSlider(value=min_p, min=0, max=1, **hundredths),
    }
    joined = []
    for name, slider in sliders.items():
        slider.description = name
        trait = name.partition(" ")[0].replace("-", "_")
        joined.append((slider, "value", trait))
    if len(prompts) > 1:
        prompt = choice("prompt", list(prompts), 0)
        prompt.add_class("rounds-wide")
        joined.insert(0, (prompt, "index", "prompt"))
    words = f"Sampling explorer, {len(texts):,} tokens"
    return Explorer(words, drawing, joined)


def _refuse(arrays: list[np.ndarray], n_texts: int) -> None:
    if not arrays:
        raise ValueError("logits: no prompt at all")
    for array in arrays:
        if array.shape != (n_texts,) or not n_texts:
            raise ValueError(
                f"logits of shape {array.shape} and {n_texts} texts: there must be one"
                " of each per token, and at least one token"
            )
        if not np.isfinite(array).all():
            raise ValueError("logits must be finite")


def encode(logits: np.ndarray) -> tuple[str, float, bytes]:
    """(dtype, scale, bytes) of logits, stored exactly and as small as that goes.

    The logits are the little-endian numbers of that dtype, divided by the scale. The
    first bytes of all come first, then the second ones, and so on: gzip, by which
    pages travel, makes less of high and low bytes in turn.
    """
    wide = logits.astype(np.float64)
    for bits in range(_FINEST + 1):
        steps = wide * 2.0**bits
        if np.abs(steps).max() > np.iinfo(np.int16).max:
            break
        if (steps == np.rint(steps)).all():
            return "int16", 2.0**bits, by_place(steps.astype("<i2"))
    narrow = wide.astype("<f4")
    if (narrow == wide).all():
        return "float32", 1.0, by_place(narrow)
    return "float64", 1.0, by_place(wide.astype("<f8"))


def by_place(numbers: np.ndarray) -> bytes:
    """The bytes of numbers, all first ones before all second ones, and so on."""
    return numbers.reshape(-1, 1).view(np.uint8).T.tobytes()


def within_reach(logits: list[np.ndarray], texts: Sequence[bytes | str]) -> list[str]:
    """The texts, empty where no prompt has the token among its REACH highest."""
    near = np.zeros(len(texts), dtype=bool)
    for array in logits:
        near[np.argsort(-array, kind="stable")[:REACH]] = True
    return [as_text(t) if n else "" for t, n in zip(texts, near, strict=True)]


def as_text(token: bytes | str) -> str:
    """A token as text without the separator; bytes that are no characters as hex."""
    if isinstance(token, bytes):
        try:
            token = token.decode("utf-8")
        except UnicodeDecodeError:
            return f"<{token.hex(' ').upper()}>"
    return token.replace(SEPARATOR, "\u2421")
