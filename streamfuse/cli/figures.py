"""Figures of a running stream in words: what the table, the plain lines, the summary and `watch --stats` are made of."""

from collections.abc import Mapping
from typing import Any

STAGES = ("source", "sync", "wait", "batch", "align", "fuse", "detect", "download")
NOISE_MS = 0.1
WORTH_TELLING_MS = 20.0  # of an offset that the stamps hide


def line(stream: str, stats: Mapping[str, Any]) -> str:
    """Everything of one stream on one line. Figures that a publisher does not tell are left out."""
    drops = ", ".join(lost(stats.get("drops", {}))) or "0"
    flow = (
        f"{stream}: {stats.get('results', 0)} results, {stats.get('fps', 0.0):.1f} fps, {stats.get('mode') or 'no pair yet'}, "
        f"age {number(stats.get('age_ms'))} ms, skew {number(stats.get('skew_ms'))} ms, drops {drops}, "
        f"{latencies(stats.get('latency_us', {})) or 'no latencies yet'}"
    )
    parts = [
        flow,
        ", ".join(camera_line(camera, stats) for camera in stats.get("cameras", {})),
        ", ".join(word for word, _ in checks(stats)),
    ]
    return "; ".join(part for part in parts if part)


def camera_line(camera: str, stats: Mapping[str, Any]) -> str:
    """What it does, by which clock, how often it came back, and why it is not there."""
    again = stats.get("reconnects", {}).get(camera, 0)
    more = [clock(stats, camera), f"reconnects: {again}" if again else "", stats.get("trouble", {}).get(camera, "")]
    told = ", ".join(part for part in more if part)
    return f"{camera} {stats['cameras'][camera]}{f' ({told})' if told else ''}"


def clock(stats: Mapping[str, Any], camera: str) -> str:
    """Of a live camera: which one, how sure, its drift."""
    known = stats.get("clocks", {}).get(camera)
    if known is None:
        return ""
    return f"{known['clock']} ±{known['uncertainty_ms']:.1f} ms{', ' + drift(known) if drift(known) else ''}{bias(known)}"


def drift(known: Mapping[str, Any]) -> str:
    """Parts per million; empty where it cannot be told yet."""
    return "" if known["drift_ppm"] is None else f"{known['drift_ppm']:+.0f} ppm"


def bias(known: Mapping[str, Any]) -> str:
    """Where the camera's time of day is not used."""
    return f", its own clock is off by {known['offset_ms'] / 1000:+.1f} s" if known["clk_bias"] and known["offset_ms"] is not None else ""


def checks(stats: Mapping[str, Any]) -> list[tuple[str, bool]]:
    """What the residual monitor and the content check say, and whether somebody should act on it."""
    told = []
    fit, content = stats.get("alignment"), stats.get("content")
    if fit is not None:
        off_px = (fit["x_px"] ** 2 + fit["y_px"] ** 2) ** 0.5
        told.append((f"infrared lies {off_px:.1f} px off" + (": was a camera knocked?" if fit["alarm"] else ""), bool(fit["alarm"])))
    if content is not None and content["reason"]:
        told.append((f"content cannot say: {content['reason']}", False))
    elif content is not None:
        left_ms = content["offset_ms"] - content["corrected_ms"]
        told.append((f"by content {left_ms:+.0f} ms apart, confidence {content['confidence']:.2f}", abs(left_ms) > WORTH_TELLING_MS))
    return told


def latencies(latency_us: Mapping[str, int]) -> str:
    """Milliseconds per stage, in flow order; those below 0.1 ms are left out."""
    known = [(stage, latency_us[stage] / 1000) for stage in STAGES if stage in latency_us]
    return " ".join(f"{stage} {ms:.1f}" for stage, ms in known if ms >= NOISE_MS)


def number(value: float | None) -> str:
    """With one decimal; `-` where there is none."""
    return "-" if value is None else f"{value:.1f}"


def lost(drops: Mapping[str, int]) -> list[str]:
    """By reason, without those that never happened."""
    return [f"{count} {reason}" for reason, count in drops.items() if count]
