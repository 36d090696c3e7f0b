"""How long the drawn scene takes per pair of frames, on one core.

    taskset -c 0 python tools/bench/scene.py [--size 640x480] [--frames 300]

Prints, by weather, the milliseconds for one visible and one infrared frame: median and 95th percentile by the clock, and the median
of processor time, which other programs on the machine disturb less.
"""

import argparse
import statistics
import time

import cv2

from streamfuse.source.scene.settings import SceneSettings
from streamfuse.source.scene.stream import SceneSource

WEATHERS = {
    "day": {},
    "night": {"night": 1.0},
    "fog": {"fog": 0.7},
    "smoke": {"smoke": 1.0},
    "night and smoke": {"night": 1.0, "smoke": 1.0},
}
WARM_UP = 30


def main() -> None:
    """Measure each weather."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="640x480", help="width x height of both cameras")
    parser.add_argument("--frames", type=int, default=300, help="pairs to measure")
    arguments = parser.parse_args()
    width, height = (int(edge) for edge in arguments.size.split("x"))
    cv2.setNumThreads(1)
    for weather, settings in WEATHERS.items():
        both = [
            SceneSource(SceneSettings.model_validate({"spectrum": s, "size": (width, height), **settings})) for s in ("visible", "infrared")
        ]
        opening = time.perf_counter()
        for source in both:
            source.open()
        opened_ms = (time.perf_counter() - opening) * 1e3
        times_ms, busy_ms = [], []
        for _ in range(arguments.frames + WARM_UP):
            start, busy = time.perf_counter(), time.thread_time()
            for source in both:
                source.read()
            times_ms.append((time.perf_counter() - start) * 1e3)
            busy_ms.append((time.thread_time() - busy) * 1e3)
        median, p95 = statistics.median(times_ms[WARM_UP:]), statistics.quantiles(times_ms[WARM_UP:], n=20)[-1]
        own = statistics.median(busy_ms[WARM_UP:])
        print(
            f"{weather:16} {median:6.2f} ms median  {p95:6.2f} ms p95  {own:6.2f} ms of processor  "
            f"{1e3 / own:4.0f} pairs a second  open both {opened_ms:4.0f} ms"
        )


if __name__ == "__main__":
    main()
