"""The same names mean different numbers in different papers: which of them is meant.

`PROTOCOL` is ours, and what every report uses. The others answer to published code, so that its tables can be compared with.
"""

from typing import Literal

from streamfuse.registry import Settings


class Conventions(Settings):
    """The choices by which published metrics differ."""

    information: Literal["bits", "nats"] = "bits"
    """MI. Nats are 0.693 of bits."""
    fidelity: Literal["sum", "mean"] = "sum"
    """VIF over the two sources."""
    structure: Literal["mean", "sum", "cddfuse", "matlab", "zoo"] = "mean"
    """SSIM and MS-SSIM. `mean`, `sum` over the sources: Gaussian window, range 255. `cddfuse`: box of 7, range 2, sum. `matlab`: Gaussian,
    range 1, mean. `zoo`: Gaussian, range 1, sum. With a range of 1 or 2 for pictures of 255 levels, dark noise rules the number."""
    noise: Literal["peak", "maximum", "zoo"] = "peak"
    """PSNR. `peak`: 255. `maximum`: of the fused picture. `zoo`: 48.13 dB more than `peak`, by an error on 0..1 and a peak of 255."""
    gradient: Literal["pixels", "inner"] = "pixels"
    """AG: the sum is divided by H W, or by (H - 1)(W - 1)."""
    frequency: Literal[255, 1] = 255
    """SF: the grey value of white."""
    artefacts: Literal["kumar", "zoo"] = "kumar"
    """Nabf: weak edges weigh 0.001, or nothing."""
    feature: Literal["pixel", "gradient", "dct"] = "pixel"
    """FMI: what is compared in each window."""


PROTOCOL = Conventions()
CONVENTIONS = {
    "protocol": PROTOCOL,
    "cddfuse": Conventions(information="nats", structure="cddfuse", noise="maximum"),
    "zoo": Conventions(structure="zoo", noise="zoo", artefacts="zoo"),
    "matlab": Conventions(structure="matlab", noise="zoo", gradient="inner"),
    "vf-bench": Conventions(information="nats", fidelity="mean"),
}
"""By the name of the code: CDDFuse and its lineage; IVIF_ZOO (but for its VIF, whose window is off centre); the MATLAB code of
Evaluation-for-Image-Fusion (but for its MI, which merges grey 254 and 255); VF-Bench, on grey instead of RGB."""
