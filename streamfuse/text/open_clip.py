"""Text towers of CLIP and its kin: every architecture and all weights that the package open_clip can load.

`<model>/<tag>` as open_clip lists them (fetched once, to its own cache), `<model>/<file>` for weights at hand,
`hf-hub:<owner>/<name>`, or `local-dir:<folder>`. Vectors are as the tower gives them, not scaled to length 1.
"""

import contextlib
import hashlib
import logging
import pickle
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError

from streamfuse.errors import ConfigError, WeightsError
from streamfuse.registry import suggestion
from streamfuse.text.encoding import Encoding

if TYPE_CHECKING:
    import torch

SCHEMES = ("hf-hub:", "local-dir:")
FORMS = "open_clip:<model>/<tag or file>, such as open_clip:ViT-B-32/openai, open_clip:hf-hub:<owner>/<name>, open_clip:local-dir:<folder>"
DIGITS = 16  # of a SHA-256, to tell files apart
# What open_clip and the loaders below it raise on names and files they cannot use; they share no root but Exception.
LOADER_ERRORS: tuple[type[Exception], ...] = (
    AssertionError,
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    OSError,
    RuntimeError,
    SafetensorError,
    StopIteration,
    TypeError,
    ValueError,
    pickle.UnpicklingError,
)


class OpenClip:
    """One text tower, on the CPU, loaded by the first `encode`. One thread at a time."""

    def __init__(self, weights: str) -> None:
        model, _, pretrained = (weights, "", "") if weights.startswith(SCHEMES) else weights.partition("/")
        if not model or not (pretrained or weights.startswith(SCHEMES)):
            raise ConfigError(f"the text encoder open_clip needs to know which model and weights, got {weights!r}: want {FORMS}")
        self._model = model
        self._pretrained = pretrained
        self._asked_for = f"open_clip:{weights}"

    @cached_property
    def name(self) -> str:
        """As asked for; where that names a file or folder, its SHA-256 stands for it, so that moving it changes nothing."""
        folder = Path(self._model.removeprefix("local-dir:"))
        if self._model.startswith("local-dir:") and folder.is_dir():
            return f"open_clip:local-dir/{_digest(sorted(path for path in folder.rglob('*') if path.is_file()))}"
        if self._file is not None:
            return f"open_clip:{self._model}/{_digest([self._file])}"
        return self._asked_for

    @property
    def dim(self) -> int:
        """Width of its encodings; loads the weights."""
        return self.encode(["a"])[0].dim

    def encode(self, texts: Sequence[str]) -> list[Encoding]:
        """One encoding per text. `WeightsError` where the package is missing, or weights cannot be fetched or read."""
        return [Encoding.padded(self.name, *self._tower.encode(text)) for text in texts]

    @cached_property
    def _file(self) -> Path | None:
        path = Path(self._pretrained).expanduser()
        return path if self._pretrained and path.is_file() else None

    @cached_property
    def _tower(self) -> "Tower":
        open_clip = _package()
        self._check_names(open_clip)
        try:
            with _root_handlers_kept():
                model = open_clip.create_model(self._model, pretrained=str(self._file or self._pretrained), require_pretrained=True)
                return Tower(model, open_clip.get_tokenizer(self._model))
        except LOADER_ERRORS as exc:
            raise WeightsError(f"cannot load the text encoder {self._asked_for}: {type(exc).__name__}: {exc}. {self._remedy()}") from exc

    def _check_names(self, open_clip: Any) -> None:
        """Refuse what open_clip does not know before it logs, downloads or reads anything."""
        if self._model.startswith(SCHEMES):
            return
        models = open_clip.list_models()
        if self._model not in models:
            raise ConfigError(f"{self._asked_for}: open_clip has no model {self._model!r}{suggestion(self._model, models)}")
        tags = open_clip.list_pretrained_tags_by_model(self._model)
        if self._file is None and self._pretrained not in tags:
            raise WeightsError(
                f"{self._asked_for}: {self._pretrained!r} is no file, and open_clip knows no such weights of {self._model}"
                f"{suggestion(self._pretrained, tags)} (known: {', '.join(tags) or 'none'})"
            )

    def _remedy(self) -> str:
        if self._file is not None or self._model.startswith("local-dir:"):
            return "Is it whole, and made for this model?"
        return "Weights are fetched once, over the network; without one, fetch them elsewhere and name the file: open_clip:<model>/<file>"


class Tower:
    """A text tower and its tokenizer. Legend: N real tokens, D width of the embedding."""

    def __init__(self, model: Any, tokenizer: Any) -> None:
        del model.visual  # the larger half, and no picture ever comes here
        self._model = model.eval()
        self._text = getattr(model, "text", model)
        self._tokenizer = tokenizer
        self._pad = getattr(getattr(tokenizer, "tokenizer", None), "pad_token_id", 0)  # CLIP's own tokenizer fills with 0

    def encode(self, text: str) -> "tuple[Any, Any]":
        """The pooled vector (D,), and the last layer's tokens (N, D), normalised and projected as the pooled one is."""
        import torch  # noqa: PLC0415  came with open_clip

        last: list[Any] = []
        hook = self._text.transformer.register_forward_hook(lambda _module, _args, output: last.append(output))
        ids_1N = self._tokenizer([text])
        try:
            with torch.inference_mode():
                pooled_1D = self._model.encode_text(ids_1N, normalize=False)
                tokens_ND = self._projected(getattr(last[0], "last_hidden_state", last[0])[0, : self._count(ids_1N[0])])
        finally:
            hook.remove()
        return pooled_1D[0].numpy(), tokens_ND.numpy()

    def _count(self, ids_N: "torch.Tensor") -> int:
        """Tokens up to the last that is no filling: the id of the filling may also occur in a text."""
        return int((ids_N != self._pad).nonzero().max()) + 1

    def _projected(self, hidden_NC: "torch.Tensor") -> "torch.Tensor":
        if not hasattr(self._text, "ln_final"):  # a tower from transformers, which ends normalised
            return self._text.proj(hidden_NC)  # type: ignore[no-any-return]
        normal_NC, projection = self._text.ln_final(hidden_NC), self._text.text_projection
        if projection is None:
            return normal_NC  # type: ignore[no-any-return]
        return projection(normal_NC) if callable(projection) else normal_NC @ projection  # type: ignore[no-any-return]


def _package() -> Any:
    try:
        import open_clip  # noqa: PLC0415  optional, and takes seconds
    except ModuleNotFoundError as exc:
        raise WeightsError(f"text encoders open_clip:… need the package {exc.name!r}: pip install 'streamfuse[clip]'") from exc
    return open_clip


@contextlib.contextmanager
def _root_handlers_kept() -> Iterator[None]:
    """open_clip logs through the root logger, which then installs a handler for the whole process."""
    root = logging.getLogger()
    before = list(root.handlers)
    try:
        yield
    finally:
        root.handlers[:] = before


def _digest(paths: Sequence[Path]) -> str:
    """Of the contents, one after the other."""
    total = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            total.update(hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()[:DIGITS]
