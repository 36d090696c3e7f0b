"""Are words obeyed: luma under right, neutral and wrong words, held against the reference formula R of what the words ask for.

R is `salience`, frozen. All numbers are PSNR in dB on luma in [0, 1], 10 log10(1 / MSE), at most 99 (8 bits round at 59).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch

from streamfuse.evaluate.bootstrap import Interval, interval
from streamfuse.evaluate.contender import Sight, batch_of
from streamfuse.frames import Prompt, PromptState
from streamfuse.fuse.salience import salience
from streamfuse.stages import Fuser

MOST_DB = 99.0
NEUTRAL = ""
STATES_KEPT = 32

Obey = Callable[[Sight, str], torch.Tensor]
"""Pictures and words -> fused luma (1, 1, H, W) in [0, 1]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WordCase:
    """One pair with faults, and what may be said about it."""

    name: str
    faults: tuple[str, ...]
    seen: Sight
    """With its faults."""
    clean: Sight
    """Without them: what the right words ask for."""
    right: tuple[str, ...]
    """Wordings of one meaning, none of them heard in training."""
    trained: tuple[str, ...]
    """The same in words of the training corpus."""
    wrong: str
    """Names a fault that is not there."""
    wrong_faults: tuple[str, ...] = ()
    """The same, for who is told by name."""
    parts: tuple[str, ...] = ()
    """Where there are two faults: words that name only one of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Obedience:
    """What one case gave. NaN where there was nothing to ask."""

    right: float
    """R of the clean pair, under the right words: mean over wordings."""
    gain: float
    """right - neutral: what the words are worth."""
    margin: float
    """right - wrong."""
    spread: float
    """Standard deviation over unseen wordings."""
    unheard: float
    """Trained wordings - unseen ones: what is lost in words never heard."""
    natural: float
    """Neutral words, against R of the pair as it is: what is not asked for is not done."""
    natural_clean: float
    """The same on the clean pair."""
    wrong_clean: float
    """Wrong words on the clean pair, against its R."""
    both: float
    """Two faults: right - the better of the words that name one."""
    over_repair: float = float("nan")
    """right - that of classical repair, where it was examined too."""


def examined(obey: Obey, case: WordCase) -> Obedience:
    """Fuse one case under all its words."""
    wanted, as_is = reference(case.clean), reference(case.seen)
    right = [psnr(obey(case.seen, text), wanted) for text in case.right]
    trained = [psnr(obey(case.seen, text), wanted) for text in case.trained]
    neutral_luma = obey(case.seen, NEUTRAL)
    parts = [psnr(obey(case.seen, text), wanted) for text in case.parts]
    best = float(np.mean(right))
    return Obedience(
        right=best,
        gain=best - psnr(neutral_luma, wanted),
        margin=best - psnr(obey(case.seen, case.wrong), wanted),
        spread=float(np.std(right)),
        unheard=float(np.mean(trained)) - best if trained else float("nan"),
        natural=psnr(neutral_luma, as_is),
        natural_clean=psnr(obey(case.clean, NEUTRAL), wanted),
        wrong_clean=psnr(obey(case.clean, case.wrong), wanted),
        both=best - max(parts) if parts else float("nan"),
    )


def summary(found: Sequence[Obedience]) -> dict[str, Interval]:
    """Mean and interval of every number over cases; `wrong_not_better` is the share of cases with a margin of 0 or more."""
    told = {name: interval(np.array([getattr(one, name) for one in found])) for name in Obedience.__dataclass_fields__}
    return told | {"wrong_not_better": interval(np.array([float(one.margin >= 0) for one in found]))}


def reference(sight: Sight) -> torch.Tensor:
    """R of a pair: (1, 1, H, W) on the CPU."""
    batch = batch_of(sight, torch.device("cpu"), PromptState(id="neutral"))
    assert batch.infrared_B1hw is not None  # both are there: `batch_of` put them in
    assert batch.luma_B1HW is not None
    return salience(batch.infrared_B1hw, batch.luma_B1HW)


def psnr(luma_B1HW: torch.Tensor, wanted_B1HW: torch.Tensor) -> float:
    """10 log10(1 / MSE), at most `MOST_DB`."""
    error = float((luma_B1HW.double() - wanted_B1HW.double()).square().mean())
    return min(MOST_DB, -10 * float(np.log10(max(error, 1e-12))))


def obeying(fuser: Fuser, device: torch.device) -> Obey:
    """A fuser that is ready on its device, as `Obey`. Words that come again are not read again."""
    state_of = lru_cache(STATES_KEPT)(lambda text: fuser.compile(Prompt(text=text)))

    @torch.inference_mode()
    def fuse(sight: Sight, text: str) -> torch.Tensor:
        state = state_of(text)
        return fuser.fuse(batch_of(sight, device, state), [state]).luma_B1HW.cpu()

    return fuse
