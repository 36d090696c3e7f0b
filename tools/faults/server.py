"""The rig: cameras on ports of the loopback interface, on one thread, with faults by schedule or by call. Stops by itself."""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from streamfuse.clock import NS_PER_S
from streamfuse.errors import ConfigError
from streamfuse.registry import suggestion
from tools.faults.camera import Camera, Device
from tools.faults.clocks import Exposures
from tools.faults.kinds import KINDS
from tools.faults.port import HOST, Port
from tools.faults.schedule import Fault

LIFETIME_S = 600.0
START_S = 30.0  # to draw the first pictures
CALL_S = 10.0


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a camera."""

    at_ns: int
    """UTC."""
    camera: str
    what: str
    """`begin stall`, `end stall`, `watched`, `left`, `refused a password`, or that the rig itself was late."""


class RtspServer:
    """`with RtspServer([Camera(name="a")]) as rig: open(rig.url("a"))`. Methods may be called by any thread."""

    def __init__(
        self,
        cameras: Sequence[Camera],
        faults: Sequence[Fault] = (),
        *,
        world_ns: int | None = None,
        ports: Sequence[int] = (),
        lifetime_s: float = LIFETIME_S,
        on_event: Callable[[Event], None] | None = None,
    ) -> None:
        """`world_ns`: instant 0 of the world, UTC; now, where it is not given. After `lifetime_s` it stops, whoever forgot it."""
        names = [camera.name for camera in cameras]
        if len(set(names)) < len(names):
            raise ConfigError(f"cameras must have different names, got {', '.join(names)}")
        for each in faults:
            _check_aim(each, names)
        self.world_ns = time.time_ns() if world_ns is None else world_ns
        self.started_ns = 0
        """When the schedule began, UTC."""
        self.events: list[Event] = []
        self._cameras, self._faults, self._ports = cameras, faults, ports
        self._lifetime_s, self._on_event = lifetime_s, on_event
        self._stations: dict[str, Port] = {}
        self._active: dict[tuple[str, str], AbstractAsyncContextManager[None]] = {}
        self._group: asyncio.TaskGroup | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ready, self._told = threading.Event(), threading.Condition()
        self._stopping: asyncio.Event | None = None
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="faults", daemon=True)

    # --- life

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        """Return when all cameras accept connections."""
        self._thread.start()
        if not self._ready.wait(START_S) or self._failure is not None:
            raise ConfigError(f"the rig did not start: {self._failure or f'no picture within {START_S:g} s'}") from self._failure

    def stop(self) -> None:
        """End all connections and the thread."""
        if self._loop is not None and self._stopping is not None:
            with suppress(RuntimeError):  # it has stopped already
                self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(CALL_S)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Until it has stopped; False if that took longer. An error that stopped it is raised."""
        self._thread.join(timeout_s)
        if self._failure is not None:
            raise self._failure
        return not self._thread.is_alive()

    # --- cameras

    def device(self, camera: str) -> Device:
        """A running camera: its truth, its clock, its trouble."""
        return self._station(camera).device

    def url(self, camera: str, user: str = "") -> str:
        """Where to watch it; `user` is `name:password`."""
        return f"rtsp://{user}{'@' if user else ''}{HOST}:{self._station(camera).number}/{camera}"

    @property
    def urls(self) -> dict[str, str]:
        """Of all cameras, without passwords."""
        return {name: self.url(name) for name in self._stations}

    # --- faults

    def begin(self, camera: str, kind: str, value: float | None = None) -> None:
        """Begin a fault, and return when it is there."""
        self._call(self._begin(Fault(kind=kind, cameras=camera, value=value), self._station(camera)))

    def end(self, camera: str, kind: str) -> None:
        """End it: everything as before."""
        self._call(self._end(camera, kind))

    def play(self, each: Fault) -> None:
        """Let a fault come and go, its times counted from now."""
        _check_aim(each, list(self._stations))
        assert self._loop is not None, "start the rig first"
        self._loop.call_soon_threadsafe(self._plan, each, time.time_ns())

    @contextmanager
    def trouble(self, camera: str, kind: str, value: float | None = None) -> Iterator[None]:
        """A fault for as long as the block takes."""
        self.begin(camera, kind, value)
        try:
            yield
        finally:
            self.end(camera, kind)

    def wait_for(self, camera: str, what: str, *, count: int = 1, since: int = 0, timeout_s: float = CALL_S) -> Event | None:
        """The event that makes it `count` of them, at or after number `since` of `events`; None if it did not come in time."""

        def found() -> Event | None:
            such = [event for event in self.events[since:] if (event.camera, event.what) == (camera, what)]
            return such[count - 1] if len(such) >= count else None

        with self._told:
            return self._told.wait_for(found, timeout_s)

    # --- the thread

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except Exception as exc:  # noqa: BLE001  told to who waits
            self._failure = exc.exceptions[0] if isinstance(exc, ExceptionGroup) else exc
        finally:
            self._ready.set()

    async def _main(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        ports = [*self._ports, *[0] * (len(self._cameras) - len(self._ports))]
        for camera, port in zip(self._cameras, ports, strict=True):
            self._stations[camera.name] = Port(self._switched_on(camera), port)
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                self._tasks = [group.create_task(station.device.run()) for station in self._stations.values()]
                for station in self._stations.values():
                    await station.device.ready.wait()
                    await station.listen()
                self.started_ns = time.time_ns()
                self._ready.set()
                for each in self._faults:
                    self._plan(each, self.started_ns)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), self._lifetime_s)
                for task in self._tasks:
                    task.cancel()
        finally:
            await asyncio.gather(*[station.close() for station in self._stations.values()])

    def _switched_on(self, camera: Camera) -> Device:
        exposures = Exposures(
            world_ns=self.world_ns,
            fps=camera.fps,
            drift_ppm=camera.drift_ppm,
            phase_ms=camera.phase_ms,
            jitter_ms=camera.jitter_ms,
            seed=camera.seed,
        )
        return Device(camera, exposures, lambda what: self._tell(camera.name, what))

    def _plan(self, each: Fault, from_ns: int) -> None:
        for name, station in self._stations.items():
            if each.hits(name) and self._group is not None:
                self._tasks.append(self._group.create_task(self._play(each, station, from_ns)))

    async def _play(self, each: Fault, station: Port, from_ns: int) -> None:
        """One fault at one camera, at its time."""
        await asyncio.sleep((from_ns - time.time_ns()) / NS_PER_S + each.at_s)
        await self._begin(each, station)
        if each.until_s is not None:
            await asyncio.sleep((from_ns - time.time_ns()) / NS_PER_S + each.until_s)
            await self._end(station.device.camera.name, each.kind)

    async def _begin(self, each: Fault, station: Port) -> None:
        camera = station.device.camera.name
        if not KINDS[each.kind].moment:
            await self._end(camera, each.kind)
        context = KINDS[each.kind].active(station, each.strength)
        self._tell(camera, f"begin {each.kind}")
        await context.__aenter__()
        self._active[camera, each.kind] = context

    async def _end(self, camera: str, kind: str) -> None:
        context = self._active.pop((camera, kind), None)
        if context is not None:
            await context.__aexit__(None, None, None)
            self._tell(camera, f"end {kind}")

    def _station(self, camera: str) -> Port:
        if camera not in self._stations:
            raise ConfigError(f"no camera called {camera!r}{suggestion(camera, self._stations)} (there are: {', '.join(self._stations)})")
        return self._stations[camera]

    def _tell(self, camera: str, what: str) -> None:
        event = Event(time.time_ns(), camera, what)
        with self._told:
            self.events.append(event)
            self._told.notify_all()
        if self._on_event is not None:
            self._on_event(event)

    def _call(self, coroutine: Coroutine[Any, Any, None]) -> None:
        assert self._loop is not None, "start the rig first"
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(CALL_S)


def _check_aim(each: Fault, names: Sequence[str]) -> None:
    if not any(each.hits(name) for name in names):
        raise ConfigError(f"{each}: no camera is called so{suggestion(each.cameras, list(names))} (there are: {', '.join(names)})")
