"""The token explorer: byte-level BPE, merge by merge, on any text.

The arithmetic is tokens.js: the GPT-2 pre-split, then always the merge of lowest rank
first. Ids 0 to 255 are the bytes, then come the merges in their order.
"""

from collections.abc import Sequence

import numpy as np
import traitlets
from anywidget import AnyWidget

from rounds.widgets.explorer import Explorer, script, style

LONGEST_TEXT = 400
MOST_MERGES = 2**16 - 256
TEXT = "The cat sat on the mat. Tokenization isn't magic, café."


class TokenDrawing(AnyWidget):
    """The text box, the steps and the tokens. `merges` holds pairs of ids, uint16."""

    _esm = script("tokens")
    _css = style()
    merges = traitlets.Bytes().tag(sync=True)
    text = traitlets.Unicode().tag(sync=True)
    step = traitlets.Int(0).tag(sync=True)
    longest = traitlets.Int(LONGEST_TEXT).tag(sync=True)


def token_explorer(
    merges: Sequence[tuple[bytes, bytes]], text: str = TEXT, *, step: int = 0
) -> Explorer:
    """A text box, and its tokens after each merge from the bytes to the final ids.

    merges: pairs of tokens in order of rank, as `Tokenizer.merges` holds them.
    text: what stands in the box at first, at most 400 characters. step: how many of
    its merges are done at first; a number beyond the last means all.
    Raises ValueError for a merge of something that is no token yet, or a long text.
    """
    if len(text) > LONGEST_TEXT:
        raise ValueError(
            f"text of {len(text)} characters: the box holds {LONGEST_TEXT}"
        )
    drawing = TokenDrawing(merges=encode(merges), text=text, step=step)
    return Explorer(f"Token explorer, {len(merges):,} merges", drawing)


def encode(merges: Sequence[tuple[bytes, bytes]]) -> bytes:
    """The ids of the pairs, little-endian uint16 one after another."""
    if len(merges) > MOST_MERGES:
        raise ValueError(f"{len(merges)} merges: the explorer holds {MOST_MERGES}")
    ids = {bytes([byte]): byte for byte in range(256)}
    pairs = []
    for rank, (left, right) in enumerate(merges):
        for part in (left, right):
            if part not in ids:
                raise ValueError(f"merge {rank} needs {part!r}, which is no token yet")
        pairs.append((ids[left], ids[right]))
        # Of two merges that give the same bytes the script takes the later id.
        ids.setdefault(left + right, 256 + rank)
    return np.array(pairs, dtype="<u2").tobytes()
