"""How the clocks of two cameras go with each other."""

from streamfuse.clock import NS_PER_S, ClockReport
from streamfuse.results import ClockDifference
from streamfuse.stages import Clocked, Source

SURE_NS = 60 * NS_PER_S  # what a fit is made of at most


def clock_difference(infrared: Source | None, visible: Source | None) -> ClockDifference | None:
    """Visible minus infrared, from what the sources report; None where one of them states no time of day."""
    first, second = clock_report(infrared), clock_report(visible)
    if first is None or second is None or first.offset_ns is None or second.offset_ns is None:
        return None
    return ClockDifference(
        offset_ns=second.offset_ns - first.offset_ns,
        drift_ppm=(second.drift_ppm or 0.0) - (first.drift_ppm or 0.0),
        confidence=min(1.0, min(first.span_ns, second.span_ns) / SURE_NS),
    )


def clock_report(source: Source | None) -> ClockReport | None:
    """What is known of its camera's clock; None where there is none, or nothing is known."""
    return source.clock_report if isinstance(source, Clocked) else None
