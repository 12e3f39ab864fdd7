"""Write python_docs.txt and python_docs_held_out.txt: real text to train BPE on.

    python3.11 rounds/data/make_python_docs.py

Part of Python's language and library reference, from what CPython carries for its
`help()`: `pydoc_data.topics`. Other versions of Python carry another text: both files
came from 3.11.7, and test_bpe_data.py holds their checksums. The reference repeats
itself (`while` stands alone and among the compound statements), so that a paragraph is
taken only where it comes first, and nothing held out was seen in training.

The text is Copyright 2001 the Python Software Foundation, all rights reserved, under
the PSF License Version 2: python_docs.LICENSE beside it.
"""

from pathlib import Path
from pydoc_data.topics import topics

TRAINING = (
    "attribute-access",
    "calls",
    "comparisons",
    "compound",
    "sequence-types",
    "specialnames",
    "strings",
    "typesmapping",
)
HELD_OUT = ("objects", "numeric-types", "operator-summary", "typesseq")


def main() -> None:
    """Write both files beside this script."""
    seen: set[str] = set()
    for name, chosen in (("python_docs", TRAINING), ("python_docs_held_out", HELD_OUT)):
        text = "".join(fresh(topics[topic], seen) for topic in chosen)
        path = Path(__file__).with_name(f"{name}.txt")
        path.write_bytes(text.encode())
        print(f"{path.name}: {path.stat().st_size:,} bytes")


def fresh(text: str, seen: set[str]) -> str:
    """The paragraphs of a text that were not seen before; they are from now on."""
    kept = []
    for paragraph in text.strip("\n").split("\n\n"):
        if paragraph not in seen:
            seen.add(paragraph)
            kept.append(paragraph + "\n\n")
    return "".join(kept)


if __name__ == "__main__":
    main()
