"""Gives streams their prompts: those that were said, and those that look for what ails the cameras, on a thread of their own.

Live, the thread of the frames only hands over a pair now and then. Lossless it looks itself, so that a replay is the same each time.
"""

import logging
import threading
from dataclasses import dataclass

from streamfuse.errors import ConfigError
from streamfuse.flow.channel import Channel, Closed
from streamfuse.frames import Pair, Prompt, PromptState
from streamfuse.fuse.auto_prompt import AutoPrompt, SelfSetState
from streamfuse.results import SelfSet
from streamfuse.stages import Fuser

logger = logging.getLogger(__name__)

PAIRS_WAITING = 4
"""For the thread that looks; with more the oldest goes, and its stream is looked at a little later."""
AUTO_ID = "auto"
"""What results call a prompt that finds its own dials."""


@dataclass(slots=True, eq=False)
class Words:
    """The prompt of one stream as it stands: replaced as a whole."""

    state: PromptState
    auto: AutoPrompt | None = None


class Prompting:
    """One per pipeline. `look` is called by the thread of the frames, `run` is a thread's body, all else may be called by any thread."""

    def __init__(self, fuser: Fuser, *, lossless: bool) -> None:
        self._fuser = fuser
        self._lossless = lossless
        self._waiting: Channel[tuple[Words, Pair]] = Channel(PAIRS_WAITING, "drop_oldest")
        self._changing = threading.Lock()

    def words(self, prompt: Prompt | AutoPrompt) -> Words:
        """All that a prompt costs, spent here. `ConfigError` where it sets dials that the fuser does not have."""
        if isinstance(prompt, AutoPrompt):
            self._check_dials()
            return Words(self._state(prompt), prompt)
        return Words(self._fuser.compile(prompt))

    def change(self, words: Words, wanted: Prompt | AutoPrompt) -> PromptState:
        """Other words from the next batch on; the new state."""
        new = self.words(wanted)
        with self._changing:
            words.state, words.auto = new.state, new.auto
        return new.state

    def look(self, words: Words, pair: Pair) -> None:
        """Show a pair; it is looked at if that is due."""
        auto = words.auto
        if auto is None or not auto.due(pair):
            return
        if self._lossless:
            self._look(words, pair)
        else:
            self._waiting.put((words, pair))

    def run(self) -> None:
        """Look at what is handed over, until closed."""
        while True:
            try:
                words, pair = self._waiting.get()
            except Closed:
                return
            self._look(words, pair)

    def close(self) -> None:
        """No more looking."""
        self._waiting.close(discard=True)

    def _look(self, words: Words, pair: Pair) -> None:
        auto = words.auto
        if auto is None or not auto.look(pair):
            return
        found = auto.found
        logger.info("%s: prompt auto: %s", pair.stream, "; ".join(found.why) or "nothing ails the cameras any more")
        state = self._state(auto)
        with self._changing:
            if words.auto is auto:  # nobody has said something else meanwhile
                words.state = state

    def _state(self, auto: AutoPrompt) -> PromptState:
        state = self._fuser.compile(auto.prompt())
        return SelfSetState(id=state.id, tensors=state.tensors, found=auto.found)

    def _check_dials(self) -> None:
        dials = getattr(self._fuser, "dials", None)
        if dials is None or not dials(self._fuser.compile(Prompt())):
            raise ConfigError(f"prompt auto turns dials, and the fuser {self._fuser.name} has none: say fuse.kind nano or fuse.size small")


def told(state: PromptState) -> tuple[str, SelfSet | None]:
    """What results say of the prompt that made them: its id, and what it found where it looked for itself."""
    return (AUTO_ID, state.found) if isinstance(state, SelfSetState) else (state.id, None)
