"""From a prompt to a state: words, less what is unwanted, then dials by hand, then strength."""

import pytest
import torch

from streamfuse.errors import ConfigError
from streamfuse.frames import Prompt
from streamfuse.fuse.prompt_state import COLOURING, dials_of, prompt_state
from streamfuse.networks import NETWORKS, create
from streamfuse.networks.dials import DIAL_INDEX, DIALS, dials_tensor
from streamfuse.networks.nano import Nano
from streamfuse.text import encoder

SMOKE, HAND = "visible/smoke", {"infrared_weight": -0.5, "visible_haze": 1.0}


@pytest.fixture(scope="module")
def nano() -> Nano:
    torch.manual_seed(0)
    made = create("nano").eval()
    assert isinstance(made, Nano)
    return made


def dials(nano: Nano, prompt: Prompt) -> torch.Tensor:
    """(N,)."""
    return prompt_state(nano, encoder("minilm"), prompt)["dials"][0]


def test_dials_alone_are_those_dials(nano):
    """Set by hand without any words, the named dials are what they are, all others 0: nothing is read."""
    state = prompt_state(nano, encoder("minilm"), Prompt(dials=HAND))
    wanted = nano.with_dials(dials_tensor(HAND))
    assert all(torch.equal(state[name], tensor) for name, tensor in wanted.items())
    assert dials_of(state) == {dial.name: HAND.get(dial.name, 0.0) for dial in DIALS}


def test_dials_by_hand_beat_words(nano):
    """Beside words, only the named dials change."""
    words, both = dials(nano, Prompt(text=SMOKE)), dials(nano, Prompt(text=SMOKE, dials=HAND))
    changed = [name for name, index in DIAL_INDEX.items() if words[index] != both[index]]
    assert changed == [dial.name for dial in DIALS if dial.name in HAND]
    assert all(both[DIAL_INDEX[name]] == value for name, value in HAND.items())


def test_strength_turns_down_what_hands_set_too(nano):
    """Strength is of the whole prompt."""
    full, half = dials(nano, Prompt(text=SMOKE, dials=HAND)), dials(nano, Prompt(text=SMOKE, dials=HAND, strength=0.5))
    assert torch.allclose(half, full / 2)


def test_what_is_unwanted_is_taken_out(nano):
    """A negative prompt lowers the dials that it would set; those by hand stay."""
    plain, less = dials(nano, Prompt(text=SMOKE)), dials(nano, Prompt(text=SMOKE, negative=("target/people",), dials={"texture": 0.5}))
    assert bool((less != plain).any())
    assert float(less[DIAL_INDEX["texture"]]) == 0.5


def test_no_words_are_no_effect(nano):
    """The neutral prompt sets every dial to 0."""
    assert not bool(dials(nano, Prompt()).any())


def test_colour_follows_the_dials(nano):
    """Warmth and saturation by hand reach the colour, and a repair of the visible picture lets chroma go with luma."""
    state = prompt_state(nano, encoder("minilm"), Prompt(dials={"saturation": -1.0, "visible_light": 0.75}))
    assert [float(state[name]) for name in COLOURING] == [0.75, 0.0, -1.0]


@pytest.mark.parametrize(
    ("hand", "told"),
    [({"txture": 0.1}, "did you mean 'texture'"), ({"visible_haze": -0.5}, "'visible_haze' lies between 0 and 1, got -0.5")],
)
def test_wrong_dials_are_told(nano, hand, told):
    """A name or value that no dial has is an error in words, before a frame is fused."""
    with pytest.raises(ConfigError, match=told):
        prompt_state(nano, encoder("minilm"), Prompt(dials=hand))


@pytest.mark.parametrize("name", [name for name in NETWORKS if name != "nano"])
def test_networks_without_dials_say_so(name):
    """They understand words alone; dials are not silently ignored."""
    with pytest.raises(ConfigError, match=f"{name} base has no dials to set by hand, got texture"):
        prompt_state(create(name, size="base"), encoder("minilm"), Prompt(text=SMOKE, dials={"texture": 0.5}))
