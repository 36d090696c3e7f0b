"""Designs that were tried for nano: size, work, time and what each learns in the same few steps.

Run: python tools/bench/nano_designs.py [--only NAME,NAME] [--threads 1] [--rounds 40] [--train STEPS] [--data DIR] [--json FILE]

Times are at 640x480 and batch 1. The reference is a network of the shape of MMDRFuse (113 parameters), built here for its speed alone and
never trained. With `--train` each design learns the same thing for STEPS steps: the blend of maximum, Laplacian and sum, and five
repairs under a dial each; on crops of the pairs in DIR (`ir/` and `vi/`), or on drawn ones.
"""

from collections.abc import Callable

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from streamfuse.fuse.compiled import Compiled, available
from tools.bench.nano_candidates import CURRENT, DESIGNS, Candidate, Current, Reference, candidate
from tools.bench.nano_lesson import TASKS, Lesson, learn
from tools.bench.report import Report, median, options, progress
from tools.bench.turns import measured

HEIGHT, WIDTH = 480, 640
PICTURES = (torch.rand(1, 1, HEIGHT, WIDTH), torch.rand(1, 1, HEIGHT, WIDTH))
TEXT = """Milliseconds per picture pair of 640x480, median over the rounds; all rows take turns, so that a busy moment hits all of them.
`eager`: torch, channels-last, without a compiler. `openvino`: with the prompt as an input. `of reference`: openvino bf16 over the
reference in eager fp32. Learnt: dB won over the blend of the pictures as they are, mean over the repairs; `plain`: dB to the blend
without a dial."""


def main() -> None:
    """Measure, teach, show."""
    parser = options(__doc__)
    parser.add_argument("--only", help="names of designs, with commas between")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--train", type=int, default=0, metavar="STEPS", help="0: none")
    parser.add_argument("--data", help="folder with ir/ and vi/; none: drawn crops")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    torch.set_flush_denormal(True)
    names = given.only.split(",") if given.only else [CURRENT, *DESIGNS]
    networks: dict[str, nn.Module] = {"reference": Reference().eval(), **{name: candidate(name).eval() for name in names}}
    progress("measuring")
    times = measured({(name, how): run for name, net in networks.items() for how, run in ways(net, given.threads).items()}, given.rounds)
    report = Report(title="Designs for nano", text=TEXT)
    for name, network in networks.items():
        progress(name)
        learnt = learn(candidate(name), Lesson(given.data), given.train) if given.train and name != "reference" else {}
        report.rows.append(row(name, network, times, learnt))
        report.raw[name] = {"times_ms": {how: times[who, how] for who, how in times if who == name}, "learnt_db": learnt}
    report.show(given.json)


def row(name: str, network: nn.Module, times: dict[tuple[str, str], list[float]], learnt: dict[str, float]) -> dict[str, object]:
    """One line of the table."""
    shown: dict[str, object] = {"design": name, "parameters": sum(p.numel() for p in network.parameters()), "GMAC": gmac(network)}
    for how in ("eager fp32", "eager bf16", "openvino fp32", "openvino bf16"):
        shown[how] = median(times.get((name, how), []))
    shown["of reference"] = median(times.get((name, "openvino bf16"), [])) / median(times["reference", "eager fp32"])
    shown["plain"] = learnt.get("plain", float("nan"))
    shown["learnt"] = sum(learnt[task] for task in TASKS) / len(TASKS) if learnt else float("nan")
    return shown


def gmac(network: nn.Module) -> float:
    """Of convolutions and matrix products, at 640x480."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(*PICTURES)
    return float(counter.get_total_flops()) / 2e9


def ways(network: nn.Module, threads: int) -> dict[str, Callable[[], object]]:
    """The ways to run it. The reference is measured as its authors run it: fp32, planes one after the other."""
    found: dict[str, Callable[[], object]] = {"eager fp32": lambda: network(*PICTURES)}
    if not isinstance(network, Candidate | Current):
        return found
    network.to(memory_format=torch.channels_last)
    halved = candidate(network.name).eval().to(torch.bfloat16).to(memory_format=torch.channels_last)
    found["eager bf16"] = lambda: halved(*PICTURES)
    if available():
        state = {"dials": network.no_dials}
        for precision in ("fp32", "bf16"):
            compiled = Compiled(network, precision, threads)
            found[f"openvino {precision}"] = lambda compiled=compiled: compiled(*PICTURES, state)  # type: ignore[misc]
    return found


if __name__ == "__main__":
    main()
