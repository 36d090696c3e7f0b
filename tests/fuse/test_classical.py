"""What the rules without weights share, and a rule of one's own."""

import sys
import types

import pytest
import torch

from streamfuse.frames import Batch, Prompt, PromptState
from streamfuse.fuse import FUSERS
from streamfuse.fuse.classical import NEUTRAL_PROMPT_ID, ClassicalFuser, prompt_id
from streamfuse.fuse.pixelwise import Average


class Minimum(ClassicalFuser):
    """The darker of both cameras."""

    name = "minimum"

    def rule(self, infrared_B1HW: torch.Tensor, luma_B1HW: torch.Tensor) -> torch.Tensor:
        return torch.minimum(infrared_B1HW, luma_B1HW)


def test_neutral_prompt_has_a_name():
    """No words are `neutral`, however strong."""
    assert prompt_id(Prompt()) == prompt_id(Prompt(strength=0.5)) == NEUTRAL_PROMPT_ID


def test_prompt_id_is_stable():
    """The id of a prompt is the same in every process and release: recordings refer to it."""
    assert prompt_id(Prompt(text="people")) == "e000c64f2fd9"


@pytest.mark.parametrize(
    "other",
    [
        Prompt(text="peoples"),
        Prompt(text="people", strength=0.5),
        Prompt(text="people", negative=("cars",)),
        Prompt(text="people", negative=("cars", "lamps")),
        Prompt(text="people", negative=("lamps", "cars")),
        Prompt(negative=("people",)),
        Prompt(text="people", dials={"texture": 0.5}),
        Prompt(dials={"texture": 0.5}),
    ],
)
def test_prompt_id_holds_all_that_is_said(other):
    """Words, what is not wanted, its order and the strength all count."""
    assert prompt_id(other) != prompt_id(Prompt(text="people"))
    assert len(prompt_id(other)) == 12
    int(prompt_id(other), 16)


def test_prompt_id_holds_the_dials():
    """Names and values count, their order does not, and a dial is not mistaken for a word."""
    hand = Prompt(dials={"texture": 0.5, "saturation": -1.0})
    assert prompt_id(hand) == prompt_id(Prompt(dials={"saturation": -1.0, "texture": 0.5}))
    others = [Prompt(dials={"texture": 0.5}), Prompt(dials={"texture": 0.5, "saturation": 1.0}), Prompt(negative=("texture=0.5",))]
    assert len({prompt_id(prompt) for prompt in (hand, *others)}) == 4


def test_state_only_carries_the_id():
    """A rule reads no words: its prompt state has an id and no tensors."""
    state = Average().compile(Prompt(text="people"))
    assert state.id == prompt_id(Prompt(text="people"))
    assert state.tensors == {}


def test_a_fuser_of_ones_own(monkeypatch, pair):
    """A rule in a module of the user's is had by `module:Class`, with everything else done for it."""
    module = types.ModuleType("my_fusers")
    vars(module)["Minimum"] = Minimum
    monkeypatch.setitem(sys.modules, "my_fusers", module)
    fuser = FUSERS.make("my_fusers:Minimum")
    neutral = PromptState(id="neutral")
    chroma = torch.rand(1, 2, 2, 2)
    batch = Batch(
        pairs=(pair(),),
        infrared_B1hw=torch.full((1, 1, 4, 4), 0.7),
        luma_B1HW=torch.full((1, 1, 4, 4), 0.3),
        chroma_B2cc=chroma,
        prompts=(neutral,),
        rigs=(None,),
    )
    fuser.to(torch.device("cpu"))
    fused = fuser.fuse(batch, [neutral])
    assert float(fused.luma_B1HW.max()) == pytest.approx(0.3)
    assert fused.chroma_B2cc is chroma
