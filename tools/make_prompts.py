"""Regenerate the embeddings that ship, after a change of streamfuse/text/bank.yaml: python tools/make_prompts.py."""

from streamfuse.text import bank
from streamfuse.text.minilm import MiniLm


def main() -> None:
    """Encode the bank with minilm, which has to be installed, and write it beside its words."""
    texts = [prompt.text for prompt in bank.prompts().values()]
    bank.write_shipped(MiniLm().encode(texts))
    print(f"{len(texts)} prompts -> {bank.EMBEDDINGS}, {bank.EMBEDDINGS.stat().st_size} bytes")


if __name__ == "__main__":
    main()
