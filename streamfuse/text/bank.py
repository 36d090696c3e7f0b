"""The prompts that ship: words, what they name, and their embeddings, so that none of them needs an encoder at run time.

`bank.yaml` holds the words, `bank_minilm.safetensors` the embeddings; tools/make_prompts.py makes the second from the first.
"""

import functools
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save_file

from streamfuse.errors import ConfigError, WeightsError
from streamfuse.text.encoding import Encoding

WORDS = Path(__file__).with_name("bank.yaml")
EMBEDDINGS = Path(__file__).with_name("bank_minilm.safetensors")
ENCODER = "minilm"
NEUTRAL = "look/neutral"
FAULTS = (
    "visible.darkness",
    "visible.glare",
    "visible.haze",
    "visible.rain",
    "visible.blur",
    "visible.noise",
    "infrared.low_contrast",
    "infrared.stripes",
    "infrared.noise",
    "infrared.low_resolution",
)
"""What can ail a camera; haze includes fog and smoke."""
MAX_CHARACTERS = 2000  # several times what any encoder reads; prompts may come from the network


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BankPrompt:
    """A prompt that ships."""

    id: str
    """`group/name`; may be given wherever a text may."""
    text: str
    group: str
    faults: Mapping[str, float]
    """Which of `FAULTS` the words name, and how severe they call them, above 0 up to 1."""


@functools.cache
def groups() -> Mapping[str, str]:
    """Name of each group -> its title, in order."""
    return MappingProxyType({name: group["title"] for name, group in _words().items()})


@functools.cache
def prompts() -> Mapping[str, BankPrompt]:
    """The bank by id, in order."""
    return MappingProxyType(
        {
            prompt_id: BankPrompt(id=prompt_id, text=entry["text"], group=group, faults=MappingProxyType(entry.get("faults", {})))
            for group, content in _words().items()
            for prompt_id, entry in content["prompts"].items()
        }
    )


def resolved(text: str) -> str:
    """The words to encode: white space collapsed, the id of a shipped prompt replaced by its text, nothing by the neutral prompt.

    `ConfigError` for a text that is longer than `MAX_CHARACTERS`.
    """
    if len(text) > MAX_CHARACTERS:
        raise ConfigError(f"a prompt has at most {MAX_CHARACTERS} characters, got {len(text)}; encoders read a few sentences")
    whole = text.encode("utf-8", "replace").decode()  # halves of surrogate pairs, as a terminal may hand out, break tokenizers
    words = " ".join(whole.split()) or NEUTRAL
    shipped_prompt = prompts().get(words)
    return shipped_prompt.text if shipped_prompt else words


@functools.cache
def shipped() -> Mapping[str, Encoding]:
    """Embeddings of the bank by the encoder `minilm`: text -> encoding, in the order of `prompts`."""
    with safe_open(EMBEDDINGS, "np") as file:
        made_for, encoder = file.metadata()["words"], file.metadata()["encoder"]
        pooled_PD, tokens_ND, lengths_P = (file.get_tensor(name) for name in ("pooled", "tokens", "lengths"))
    if made_for != _fingerprint():
        raise WeightsError(f"{EMBEDDINGS.name} was made for other words than {WORDS.name} holds: run python tools/make_prompts.py")
    rows = np.split(tokens_ND, np.cumsum(lengths_P)[:-1])
    texts = [prompt.text for prompt in prompts().values()]
    encodings = [Encoding.padded(encoder, pooled, tokens) for pooled, tokens in zip(pooled_PD, rows, strict=True)]
    return MappingProxyType(dict(zip(texts, encodings, strict=True)))


def write_shipped(encodings: Sequence[Encoding]) -> None:
    """Write what `shipped` reads: encodings of `prompts` in order. Half precision, padding left out."""
    arrays: dict[str, NDArray[Any]] = {
        "pooled": np.stack([encoding.pooled for encoding in encodings]).astype(np.float16),
        "tokens": np.concatenate([encoding.tokens[: encoding.count] for encoding in encodings]).astype(np.float16),
        "lengths": np.array([encoding.count for encoding in encodings], np.uint8),
    }
    save_file(arrays, EMBEDDINGS, metadata={"encoder": encodings[0].encoder, "words": _fingerprint()})


def nearest(encoding: Encoding, count: int = 3, among: Sequence[Encoding] | None = None) -> list[tuple[BankPrompt, float]]:
    """The shipped prompts most like `encoding`, with the cosine of each, the most similar first.

    `among`: encodings of `prompts` in order, by the encoder of `encoding`; needed where that is not `minilm`.
    """
    if among is None:
        if encoding.encoder != ENCODER:
            raise ConfigError(f"shipped embeddings are by {ENCODER}, not {encoding.encoder}: encode the bank and pass it as `among`")
        among = list(shipped().values())
    scored = [(prompt, encoding.cosine(other)) for prompt, other in zip(prompts().values(), among, strict=True)]
    return sorted(scored, key=lambda pair: -pair[1])[:count]


@functools.cache
def _words() -> dict[str, Any]:
    words: dict[str, Any] = yaml.safe_load(WORDS.read_text(encoding="utf-8"))
    return words


def _fingerprint() -> str:
    """Of all texts in order: says whether the embeddings belong to them."""
    return hashlib.sha256("\n".join(prompt.text for prompt in prompts().values()).encode()).hexdigest()
