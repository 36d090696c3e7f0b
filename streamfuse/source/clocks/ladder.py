"""The best clock that a live camera has at the moment, and how its stamps change over from one to the next.

    rtcp        the camera's UTC, where it goes with the arrival of its packets
    device      the kernel's stamp
    estimated   its time stamps, laid on our clock by when packets arrive
    host        the arrival itself: in the first second, and for packets without time stamps

A frame is never held back for want of a better clock. Small differences are slewed, 10 ms a second; only past one frame period the
stamps step, and then `epoch` grows.
"""

from collections import deque
from typing import Literal, NamedTuple

from pydantic import Field

from streamfuse.clock import NS_PER_MS, NS_PER_S, ClockReport
from streamfuse.frames import ClockKind
from streamfuse.registry import Settings
from streamfuse.source.clocks.device import DeviceClock
from streamfuse.source.clocks.estimated import EstimatedClock
from streamfuse.source.clocks.rtcp import RtcpClock

SLEW = 0.01  # of the time that passes: a period of 33 ms becomes 33.3, which no matcher mistakes for another rate
SETTLED_NS = NS_PER_S  # the first packets come in a burst, late
JUMP_BACK_NS, JUMP_AHEAD_NS = NS_PER_S // 2, NS_PER_S  # of time stamps against arrival: beyond, they started anew
UNPACED = 1.5  # stream time per time: a burst of what had waited
MARKS, PACE_AFTER_NS, OFF_PACE, OFF_PACE_LOOKS = 31, 20 * NS_PER_S, 0.01, 5  # beyond 1 % over half a minute it is no clock
AHEAD_NS = 20 * NS_PER_MS  # by so much a disciplined clock may seem to run ahead of ours
GRACE_NS = 50 * NS_PER_MS  # beyond the bounds, for a clock that was good so far
RUNS_AWAY_PPM, STEADY_PPM = 100.0, 50.0  # a clock that follows a time server drifts by less than 1; the fit is good to a few dozen
FIRST_MARKS = 3  # two seconds: who is held up for longer does not come back to its best soon, and nobody can tell
DRIFT_AFTER_NS = 50 * NS_PER_S
UNKNOWN_DELAY_NS = 100 * NS_PER_MS  # exposure, encoder and network of usual cameras; it cannot be seen from here


class LadderSettings(Settings):
    """How a live camera's clock is chosen."""

    use: Literal["auto", "rtcp", "estimated", "host"] = "auto"
    """`rtcp` takes the camera's time of day however wrong: for two cameras that follow one time server which this machine does not."""
    delay_max_ms: float = Field(default=250.0, ge=0.0, le=60_000.0)
    """A time of day that lies further than this before the arrival is wrong, and is not used."""


class Stamp(NamedTuple):
    """When a picture was captured."""

    t_cap_ns: int
    """UTC."""
    clock: ClockKind
    uncertainty_ns: int
    epoch: int
    """Grows with each step of the stamps."""


class Ladder:
    """One per connection, one thread; `report` may be read by any."""

    def __init__(self, settings: LadderSettings, *, period_ns: int, device: bool = False, opening_ns: int = 0) -> None:
        """`period_ns` is nominal; `device`: a camera of this machine; `opening_ns`: how long it took to connect."""
        self.period_ns = period_ns
        self.delay_ns: int | None = None
        """Least delay from capture to arrival, as learnt from reports while they were good; None: not learnt."""
        self.hint_ns = 0
        """What to assume where it is not learnt: the delay of the other camera of the pair."""
        self.report: ClockReport | None = None
        """Renewed once a second."""
        self.jumps = 0
        """How often the time stamps started anew."""
        self._settings = settings
        self._opening_ns = opening_ns
        self._device = DeviceClock() if device else None
        self._utc_offset_ns = 0
        self._arrival_ns = 0
        self._epoch = 0
        self._last: Stamp | None = None
        self._last_stream_ns: int | None = None
        self._offset_ns = 0  # t_cap - stream time, as applied
        self._start()

    def _start(self) -> None:
        self._restarts = 0
        self._estimated, self._rtcp = EstimatedClock(), RtcpClock()
        self._newest_ns: int | None = None
        self._marks: deque[tuple[int, int]] = deque(maxlen=MARKS)  # stream time and arrival, a second or more apart
        self._off_pace = 0
        self._jitter_ns = 0
        self._paced = False
        self._trusted = self._judged = False

    def see(self, stream_ns: int | None, arrival_ns: int, utc_offset_ns: int, wall_ns: int | None = None) -> None:
        """Take a packet, in the order of arrival: its stream time, when it came (monotonic; UTC is `utc_offset_ns` more), its report."""
        self._arrival_ns, self._utc_offset_ns = arrival_ns, utc_offset_ns
        if stream_ns is None:
            self._tell(None)
            return
        if self._jumped(stream_ns, arrival_ns):
            self._start()
            self.jumps += 1
            self._opening_ns = 0
        self._newest_ns = stream_ns
        self._estimated.add(stream_ns, arrival_ns)
        if self._device is not None:
            self._device.add(stream_ns, arrival_ns, utc_offset_ns)
        if wall_ns is not None:
            self._rtcp.add(stream_ns, wall_ns)
            self._judge(stream_ns)
        if not self._marks or arrival_ns - self._marks[-1][1] >= SETTLED_NS:
            self._marks.append((stream_ns, arrival_ns))
            self._check_pace()
            self._jitter_ns = self._estimated.jitter_ns
            self._tell(stream_ns)

    def stamp(self, stream_ns: int | None) -> Stamp:
        """The capture instant of a picture that the last packet completed. Within an epoch they grow strictly."""
        kind, slewing_ns = self._kind(stream_ns), 0
        if stream_ns is None or kind == "host":
            t_ns = self._arrival_ns + self._utc_offset_ns - self._known_delay_ns
            stepped = self._last is not None and self._last.clock != "host" and self._leaves(t_ns)
        else:
            target_ns = self._target_ns(stream_ns, kind)
            t_ns, stepped = self._slewed(stream_ns, target_ns)
            slewing_ns = abs(target_ns - t_ns)
        if stepped and self._last is not None:
            self._epoch += 1
        if self._last is not None and self._last.epoch == self._epoch:
            t_ns = max(t_ns, self._last.t_cap_ns + 1)
        if stream_ns is not None:
            self._offset_ns, self._last_stream_ns = t_ns - stream_ns, stream_ns
        self._last = Stamp(t_ns, kind, self._uncertainty_ns(stream_ns, kind) + slewing_ns, self._epoch)
        return self._last

    # Which clock.

    def _kind(self, stream_ns: int | None) -> ClockKind:
        if stream_ns is None or self._settings.use == "host":
            return "host"
        if self._trusted and self._rtcp.line is not None:
            return "rtcp"
        if self._device is not None and self._device.known and self._settings.use == "auto":
            return "device"
        return "estimated" if self._paced else "host"

    def _check_pace(self) -> None:
        """Whether time stamps go with time: at first, that they do not come in one burst; in the long run, that they are no mere count."""
        (first_ns, began_ns), (stream_ns, now_ns) = self._marks[0], self._marks[-1]
        span_ns = now_ns - began_ns
        off = span_ns >= PACE_AFTER_NS and abs(stream_ns - first_ns - span_ns) > OFF_PACE * span_ns
        self._off_pace = self._off_pace + 1 if off else 0
        if self._off_pace >= OFF_PACE_LOOKS:  # a stall that is made up for is over sooner
            self._paced = False
        elif not self._paced and not off and len(self._marks) > 1:
            before_stream_ns, before_ns = self._marks[-2]
            self._paced = stream_ns - before_stream_ns < UNPACED * (now_ns - before_ns)

    def _tell(self, stream_ns: int | None) -> None:
        """Renew the report."""
        kind = self._last.clock if self._last else "host"
        states_time = stream_ns is not None and self._rtcp.line is not None
        drift_ppm = self._wall_drift_ppm if self._rtcp.drift_ppm is not None else self._estimated.drift_ppm
        self.report = ClockReport(
            kind=kind,
            uncertainty_ns=self._uncertainty_ns(stream_ns, kind),
            offset_ns=-self._delay_ns(stream_ns) if stream_ns is not None and states_time else None,
            drift_ppm=drift_ppm if self._paced else None,
            jitter_ns=self._jitter_ns,
            delay_ns=self.delay_ns,
            lag_ns=self._estimated.lag_ns if self._paced else 0,
            reports=self._rtcp.reports,
            biased=self._settings.use == "auto" and states_time and self._judged and self._paced and not self._trusted,
            span_ns=self._estimated.span_ns,
        )

    def _judge(self, stream_ns: int) -> None:
        """Decide whether the camera's time of day is to be used, and learn its delay while it is."""
        if self._rtcp.line is None:
            return
        was, self._trusted = self._trusted, self._deserves_trust(stream_ns)
        self._judged = self._judged or self._paced  # a report that came before says nothing against the camera
        if self._trusted and self._paced:
            self.delay_ns = max(0, self._delay_ns(stream_ns))
        elif was and self._rtcp.restarts == self._restarts:  # what was learnt from a clock that ran away is wrong as well
            self.delay_ns = None
        self._restarts = self._rtcp.restarts

    def _deserves_trust(self, stream_ns: int) -> bool:
        """Whether the camera's time of day can be that of the capture: shortly before the arrival, and keeping pace with our clock."""
        if self._settings.use != "auto":
            return self._settings.use == "rtcp"
        if not self._paced:
            return self._trusted
        delay_ns, grace_ns = self._delay_ns(stream_ns), GRACE_NS if self._trusted else 0
        if not -AHEAD_NS - grace_ns <= delay_ns <= self._settings.delay_max_ms * NS_PER_MS + grace_ns:
            return False
        drift_ppm = self._wall_drift_ppm
        if drift_ppm is None or self._estimated.span_ns < DRIFT_AFTER_NS:
            return True
        return abs(drift_ppm) < (RUNS_AWAY_PPM if self._trusted else STEADY_PPM) + self._rtcp.drift_noise_ppm

    @property
    def _known_delay_ns(self) -> int:
        return self.hint_ns if self.delay_ns is None else self.delay_ns

    def _delay_ns(self, stream_ns: int) -> int:
        """Least delay from what the camera says was the capture to the arrival: our clock minus its own, if there were no delay."""
        return self._estimated.at(stream_ns) + self._utc_offset_ns - self._rtcp.at(stream_ns)

    @property
    def _wall_drift_ppm(self) -> float | None:
        """How much faster than ours the camera's time of day runs."""
        stream_ppm, wall_ppm = self._estimated.drift_ppm, self._rtcp.drift_ppm
        return None if stream_ppm is None or wall_ppm is None else stream_ppm + wall_ppm

    # From one stamp to the next.

    def _target_ns(self, stream_ns: int, kind: ClockKind) -> int:
        if kind == "rtcp":
            return self._rtcp.at(stream_ns)
        if kind == "device" and self._device is not None:
            return self._device.at(stream_ns) + self._utc_offset_ns
        return self._estimated.at(stream_ns) + self._utc_offset_ns - self._known_delay_ns

    def _slewed(self, stream_ns: int, target_ns: int) -> tuple[int, bool]:
        """Where the stamp goes that should go to `target_ns`, and whether that is a step."""
        if self._last is None or self._last_stream_ns is None:
            return target_ns, False
        missing_ns = target_ns - stream_ns - self._offset_ns
        if abs(missing_ns) > self.period_ns:
            return target_ns, True
        most_ns = round(SLEW * abs(stream_ns - self._last_stream_ns))
        return stream_ns + self._offset_ns + max(-most_ns, min(most_ns, missing_ns)), False

    def _leaves(self, t_ns: int) -> bool:
        """Whether the arrival is a step from where the stamps were."""
        return self._last is not None and abs(t_ns - self._last.t_cap_ns - self.period_ns) > self.period_ns

    def _jumped(self, stream_ns: int, arrival_ns: int) -> bool:
        """Whether the time stamps started anew: back, or ahead of what can have been captured by now."""
        if self._newest_ns is None:
            return False
        back_ns = max(JUMP_BACK_NS, 10 * self.period_ns)
        return stream_ns < self._newest_ns - back_ns or arrival_ns < self._estimated.at(stream_ns) - JUMP_AHEAD_NS

    def _uncertainty_ns(self, stream_ns: int | None, kind: ClockKind) -> int:
        if kind == "rtcp" and stream_ns is not None:
            return self._rtcp.uncertainty_ns(stream_ns)
        if kind == "device":
            return self.period_ns // 2  # the kernel stamps somewhere between exposure and hand-over
        delay_ns = UNKNOWN_DELAY_NS + self._held_up_ns
        return delay_ns + (self._jitter_ns if kind == "estimated" else self.period_ns + 3 * self._jitter_ns)

    @property
    def _held_up_ns(self) -> int:
        """How long the first pictures of a connection may have been under way: since it was asked for, and by what they are later since."""
        return self._opening_ns + self._estimated.late_ns if len(self._marks) < FIRST_MARKS else 0
