"""How fast the fusion networks are, by each way to run them: on a CPU against targets, on CUDA against what the device could do.

Run: python tools/bench/networks.py [--quick] [--rounds 40] [--threads N] [--device cpu|cuda] [--json FILE]

About five minutes on 2 cores, half of it for `upfusion` base. Weights are random: they do not change what it costs.
"""

import importlib
import os
import resource
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

import psutil
import torch

from streamfuse.flow.warm_up import warm_up_pair
from streamfuse.frames import Batch, Prompt, PromptState
from streamfuse.fuse.compiled import Compiled, available
from streamfuse.fuse.precision import chosen_precision
from streamfuse.fuse.text_guided import NetworkSettings, TextGuided
from streamfuse.networks import create
from streamfuse.networks.export import example_state
from tools.bench.nano_candidates import Reference
from tools.bench.networks_cuda import report_of_cuda
from tools.bench.report import Report, median, options, progress, quantile
from tools.bench.turns import measured

CPU, SEED = torch.device("cpu"), 0
USUAL, SMALLER = (480, 640), (256, 320)
BASE_AT_LEAST, NANO_SHARE, NANO_MS = 3.0, 1 / 3, 15.0
TEXT = """Milliseconds per picture pair at batch 1; the rows of one block take turns, so that a busy moment hits all of them. `of` is the
median over that of the block's first row. `plain`: the straightforward module in eager torch; `folded`: its prompt folded into its kernels;
`openvino`: compiled, with the prompt as an input. `reference` is a stand-in for MMDRFuse by its published shape (113 parameters), eager and
never trained. `upfusion` base runs in processes of its own, plain and folded in turn; `peak MB` is what resident memory rose to above what
it was before the first picture. `fuser`: everything that a batch passes in `fuse`, colour included."""

Runs = dict[tuple[str, str, str], Callable[[], object]]
"""(network, way, precision) -> one run."""


def main() -> None:
    """Measure and tell."""
    parser = options(__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--quick", action="store_true", help="few rounds, without upfusion base: for a look only")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="of torch and OpenVINO, on a CPU")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cuda" if torch.cuda.is_available() else "cpu")
    given = parser.parse_args()
    rounds = 10 if given.quick else given.rounds
    if given.device == "cuda":
        report_of_cuda(rounds).show(given.json)
        return
    torch.set_num_threads(given.threads)
    torch.set_flush_denormal(True)
    report = Report(title="Fusion networks", text=f"{TEXT} {given.threads} threads.")
    nano_block(report, rounds, given.threads)
    prompt_block(report, rounds)
    for name in ("textpixels", "upfusion", "lure"):
        small_block(report, name, max(5, rounds // 4), given.threads)
    if not given.quick:
        base_block(report, max(3, rounds // 10), given.threads)
    report.show(given.json)


def block(report: Report, picture: tuple[int, int], times: dict[tuple[str, str, str], list[float]], peaks: Sequence[float] = ()) -> None:
    """Add rows; the first is what `of` refers to."""
    first = median(next(iter(times.values())))
    for index, ((network, way, precision), values) in enumerate(times.items()):
        report.rows.append(
            {
                "network": network,
                "picture": f"{picture[1]}x{picture[0]}",
                "by": way,
                "precision": precision,
                "ms": median(values),
                "best": min(values),
                "p90": quantile(values, 0.9),
                "of": median(values) / first,
                "peak MB": f"{peaks[index]:,.0f}" if peaks else "-",
            }
        )
        report.raw[f"{network} {way} {precision}"] = values


def nano_block(report: Report, rounds: int, threads: int) -> None:
    """The smallest network against the reference."""
    progress("nano")
    reference, pictures = Reference().eval(), pictures_of(USUAL, 1)
    runs: Runs = {("reference", "plain", "fp32"): lambda: reference(*pictures)}
    runs |= ways("nano", "small", USUAL, threads)
    times = measured(runs, rounds)
    block(report, USUAL, times)
    of_reference = median(times["reference", "plain", "fp32"])
    fast = {key: median(values) for key, values in times.items() if key[0] == "nano"}
    amx = chosen_precision("auto", CPU) == "bf16"
    best = min((fast[key], key) for key in fast if amx or key[2] == "fp32")
    said = f"{' '.join(best[1])}: {best[0]:.1f} ms, {best[0] / of_reference:.2f} of {of_reference:.1f} ms"
    if amx:
        report.target("nano at most a third of the reference's time where there is AMX", said, holds=best[0] <= NANO_SHARE * of_reference)
    else:
        report.target(f"nano in at most {NANO_MS:g} ms in fp32 where there is no AMX (as here)", said, holds=best[0] <= NANO_MS)


def prompt_block(report: Report, rounds: int) -> None:
    """What words cost a frame: the fuser of a pipeline without any, with some, with none again."""
    progress("prompts")
    torch.manual_seed(SEED)
    fuser = TextGuided("nano", NetworkSettings(weights="random"))
    fuser.to(CPU)
    infrared, luma = pictures_of(USUAL, 1)
    prompts = {"no words": Prompt(), "words": Prompt(text="visible/smoke"), "no words again": Prompt()}
    runs: Runs = {}
    for said, prompt in prompts.items():
        state = fuser.compile(prompt)
        held = (infrared, luma, torch.rand(1, 2, USUAL[0] // 2, USUAL[1] // 2))
        batch = batch_of(held, state)
        runs["nano fuser", said, fuser.precision] = partial(fuser.fuse, batch, [state])
    times = measured(runs, 2 * rounds)
    block(report, USUAL, times)
    none, words, again = times.values()
    spread = quantile(none, 0.75) - quantile(none, 0.25)
    report.target(
        "a prompt's cost per frame not measurable against none (less than the spread of the middle half)",
        f"{median(words) - median(none):+.2f} ms, {median(again) - median(none):+.2f} ms between none and none, spread {spread:.2f} ms",
        holds=abs(median(words) - median(none)) <= spread,
    )


def batch_of(held: tuple[torch.Tensor, torch.Tensor, torch.Tensor], state: PromptState) -> Batch:
    """Of one item."""
    infrared, luma, chroma = held
    return Batch(pairs=(warm_up_pair(USUAL),), infrared_B1hw=infrared, luma_B1HW=luma, chroma_B2cc=chroma, prompts=(state,), rigs=(None,))


def small_block(report: Report, name: str, rounds: int, threads: int) -> None:
    """A small network by each way."""
    progress(f"{name} small")
    block(report, USUAL, measured(ways(name, "small", USUAL, threads, compiled=name == "textpixels"), rounds))


def base_block(report: Report, rounds: int, threads: int) -> None:
    """`upfusion` base, folded and not, in fresh processes in turn."""
    times: dict[tuple[str, str, str], list[float]] = {}
    peaks: dict[str, list[float]] = {}
    for number in range(rounds):
        for way in ("plain", "folded"):
            progress(f"upfusion base, {way}: round {number + 1} of {rounds}")
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
                took_ms, peak_mb = process.submit(base_alone, way, threads).result()
            times.setdefault(("upfusion base", way, "fp32"), []).extend(took_ms)
            peaks.setdefault(way, []).append(peak_mb)
    block(report, SMALLER, times, [median(values) for values in peaks.values()])
    plain, folded = times.values()
    times_as_fast, at_worst = median(plain) / median(folded), min(plain) / max(folded)
    plain_mb, folded_mb = (median(values) for values in peaks.values())
    report.target(
        f"upfusion base at 320x256 at least {BASE_AT_LEAST:g} times as fast folded as plain, at no more memory",
        f"{times_as_fast:.1f} times, at worst {at_worst:.1f}; {folded_mb:,.0f} MB against {plain_mb:,.0f} MB",
        holds=times_as_fast >= BASE_AT_LEAST and folded_mb <= plain_mb,
    )


def base_alone(way: str, threads: int) -> tuple[list[float], float]:
    """Milliseconds of two pictures, and by how many MB the process grew; in a process of its own."""
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    run = ways("upfusion", "base", SMALLER, threads, only=way)["upfusion base", way, "fp32"]
    before = psutil.Process().memory_info().rss
    times_ms = []
    with torch.inference_mode():
        run()
        for _ in range(2):
            started = time.perf_counter()
            run()
            times_ms.append((time.perf_counter() - started) * 1e3)
    return times_ms, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before) / 1e6


def ways(name: str, size: str, picture: tuple[int, int], threads: int, *, compiled: bool = True, only: str = "") -> Runs:
    """Each way to run one network on a CPU that this machine has; `only` one of them."""
    torch.manual_seed(SEED)
    network = create(name, size).eval().requires_grad_(requires_grad=False)  # type: ignore[arg-type]
    state, both = example_state(network, 1), pictures_of(picture, 3 if network.colour == "rgb" else 1)
    fold = importlib.import_module(f"streamfuse.networks.fast_{name}").fold
    who = "nano" if name == "nano" else f"{name} {size}"
    runs: Runs = {}
    if only in ("", "plain"):
        runs[who, "plain", "fp32"] = lambda: network(*both, state)
    if only in ("", "folded"):
        folded = fold(network, state)
        runs[who, "folded", "fp32"] = lambda: folded(*both)
    if not only:
        halved = fold(network, state).to(torch.bfloat16)
        taken = both if name == "nano" else tuple(picture.to(torch.bfloat16) for picture in both)
        runs[who, "folded", "bf16"] = lambda: halved(*taken)
        if compiled and available():
            for precision in ("fp32", "bf16"):
                program = Compiled(network, precision, threads)
                runs[who, "openvino", precision] = partial(program, *both, state)
    return runs


def pictures_of(size: tuple[int, int], colours: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Noise: what it shows does not change what it costs."""
    draw = torch.Generator().manual_seed(SEED)
    return torch.rand(1, 1, *size, generator=draw), torch.rand(1, colours, *size, generator=draw)


if __name__ == "__main__":
    main()
