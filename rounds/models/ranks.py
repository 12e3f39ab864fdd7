"""The published vocabularies gpt2, cl100k_base and o200k_base, without a network.

tiktoken fetches a vocabulary when it is first asked for, unless its cache folder holds
a file named by the SHA-1 of the address. The packages of `make models` carry these.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha1
from pathlib import Path

import tiktoken

from rounds.models import files

HOST = "https://openaipublic.blob.core.windows.net"
ADDRESSES = {
    f"{HOST}/gpt-2/encodings/main/vocab.bpe": files.GPT2_MERGES,
    f"{HOST}/gpt-2/encodings/main/encoder.json": files.GPT2_IDS,
    f"{HOST}/encodings/cl100k_base.tiktoken": files.CL100K,
    f"{HOST}/encodings/o200k_base.tiktoken": files.O200K,
}
ENCODINGS = ("gpt2", "cl100k_base", "o200k_base")


def encoding(name: str) -> tiktoken.Encoding:
    """tiktoken's encoding of one of ENCODINGS, out of the installed files.

    Raises ValueError for another name, and files.ModelFileError if a file is missing
    or damaged.
    """
    if name not in ENCODINGS:
        raise ValueError(f"no vocabulary {name!r} here: {', '.join(ENCODINGS)}")
    with tiktoken_cache():
        return tiktoken.get_encoding(name)


@contextmanager
def tiktoken_cache() -> Iterator[Path]:
    """A cache folder for tiktoken with all installed vocabularies, for a `with` block.

    It holds copies, since tiktoken deletes a file that it finds damaged.
    """
    name = "TIKTOKEN_CACHE_DIR"
    before = os.environ.get(name)
    with tempfile.TemporaryDirectory(prefix="rounds-ranks-") as folder:
        for address, file in ADDRESSES.items():
            key = sha1(address.encode()).hexdigest()
            shutil.copyfile(files.whole(file), Path(folder, key))
        os.environ[name] = folder
        try:
            yield Path(folder)
        finally:
            if before is None:
                del os.environ[name]
            else:
                os.environ[name] = before


def gpt2_merges() -> list[tuple[bytes, bytes]]:
    """GPT-2's 50,000 merges, the first learned first, as pairs of bytes."""
    from rounds.models.gguf_file import as_bytes

    lines = files.whole(files.GPT2_MERGES).read_text(encoding="utf-8").split("\n")
    return [tuple(map(as_bytes, line.split(" "))) for line in lines[1:] if line]
