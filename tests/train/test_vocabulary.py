import torch

from streamfuse.networks.dials import DIAL_INDEX
from streamfuse.train.vocabulary import Vocabulary, dials_of
from tests.train.schooling import CPU, SENTENCES, Hashing, said, vocabulary


def draw(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_sentences_are_found_by_what_they_name():
    """One fault, two, or none; where no sentence names them there is none."""
    words = vocabulary()
    one, two = words.naming({"visible.haze": 0.5}, draw()), words.naming({"visible.haze": 0.5, "infrared.noise": 0.9}, draw())
    assert one is not None
    assert two is not None
    assert words.wordings[one].faults.keys() == {"visible.haze"}
    assert words.wordings[two].faults.keys() == {"visible.haze", "infrared.noise"}
    assert words.naming(dict.fromkeys(("visible.haze", "infrared.noise", "visible.rain"), 0.5), draw()) is None


def test_sentences_of_about_the_right_strength_are_preferred():
    """A strong fault is not called slight where another sentence fits."""
    words = Vocabulary([said("slight haze", {"visible.haze": 0.3}), said("dense fog", {"visible.haze": 1.0})], Hashing())
    assert {words.naming({"visible.haze": 0.9}, draw(seed)) for seed in range(8)} == {1}
    assert {words.naming({"visible.haze": 0.35}, draw(seed)) for seed in range(8)} == {0}


def test_neutral_denying_and_look_are_kept_apart():
    """A denial names no fault, a look is not neutral."""
    words = vocabulary()
    texts = [words.wordings[index].text for index in (words.neutral(draw()), words.denying("visible.haze", draw())) if index is not None]
    assert texts == ["a natural picture", "no haze"]
    assert words.denying("visible.rain", draw()) is None
    looks = {words.look(draw(seed)) for seed in range(20)}
    assert {words.wordings[index].text for index in looks if index is not None} == {"mostly infrared", "black is hot"}


def test_dials_say_what_the_sentence_says():
    """Each fault by the dial that takes it away, wholly, whether it is called slight or bad."""
    dials = dials_of(said("x", {"visible.darkness": 0.4, "infrared.low_resolution": 1.0}, dials={"texture": -1.0}))
    found = {name: float(dials[index]) for name, index in DIAL_INDEX.items() if dials[index]}
    assert found == {"visible_light": 1.0, "infrared_detail": 1.0, "texture": -1.0}


def test_embeddings_are_kept_on_disk(tmp_path):
    """The second vocabulary of the same sentences asks the encoder for nothing, and holds the same."""
    first, reader = vocabulary(tmp_path), Hashing()
    again = Vocabulary(SENTENCES, reader, tmp_path)
    assert reader.asked == 0
    for a, b in zip(first.words([0, 5], CPU), again.words([0, 5], CPU), strict=True):
        assert torch.equal(a, b)
    Vocabulary(SENTENCES[:3], reader, tmp_path)
    assert reader.asked == 3


def test_a_damaged_cache_is_made_anew(tmp_path):
    """Whatever is wrong with it; and it is never seen half written."""
    vocabulary(tmp_path)
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    for content in (b"", b"PK\x03\x04", whole[: len(whole) // 2], b"neither"):
        path.write_bytes(content)
        reader = Hashing()
        Vocabulary(SENTENCES, reader, tmp_path)
        assert reader.asked == len(SENTENCES)
        assert list(tmp_path.iterdir()) == [path]
        assert path.read_bytes() == whole
