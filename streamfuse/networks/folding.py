"""What is asked of every fold: a state of one prompt."""

from streamfuse.errors import FrameError
from streamfuse.networks.network import State


def one_prompt(state: State) -> State:
    """The state without its leading axis, out of autograd; an error if it holds more prompts than one."""
    prompts = {len(tensor) for tensor in state.values()}
    if prompts != {1}:
        raise FrameError(f"a fold holds one prompt, got a state of {max(prompts, default=0)}; take one by gathered(state, index[:1])")
    return {name: tensor[0].detach() for name, tensor in state.items()}
