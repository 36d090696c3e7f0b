"""What can go wrong with a camera: each kind of fault begins, and ends with everything as it was before."""

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from tools.faults.camera import Device
from tools.faults.pictures import STRIP


class Station(Protocol):
    """A camera with its port."""

    device: Device

    async def listen(self) -> None:
        """Accept connections."""
        ...

    def refuse(self) -> None:
        """Refuse connections, and reset those that are open."""
        ...


Active = Callable[[Station, float], AbstractAsyncContextManager[None]]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fault."""

    text: str
    """What happens. `V` stands for the value."""
    active: Active
    value: float = 0.0
    """Where none is given."""
    moment: bool = False
    """It happens at once and may happen again; a duration, if one is given, undoes it afterwards."""
    for_s: float | None = None
    """How long it lasts where nothing is said; None: for good."""


def _setting(**values: Any) -> Active:
    """Parts of `Trouble` set to these values meanwhile; `...` stands for the fault's own value."""

    @asynccontextmanager
    async def active(station: Station, value: float) -> AsyncIterator[None]:
        trouble = station.device.trouble
        before = replace(trouble)
        for name, wanted in values.items():
            setattr(trouble, name, value if wanted is ... else wanted)
        yield
        for name in values:
            setattr(trouble, name, getattr(before, name))

    return active


def _cut_and_setting(**values: Any) -> Active:
    """The same for those who connect from now on: who is connected already is cut."""
    setting = _setting(**values)

    @asynccontextmanager
    async def active(station: Station, value: float) -> AsyncIterator[None]:
        async with setting(station, value):
            station.device.cut()
            yield

    return active


@asynccontextmanager
async def _reset(station: Station, _value: float) -> AsyncIterator[None]:
    station.device.cut()
    yield


@asynccontextmanager
async def _halfopen(station: Station, _value: float) -> AsyncIterator[None]:
    station.device.speaking.clear()
    yield
    station.device.speaking.set()


@asynccontextmanager
async def _hold(station: Station, _value: float) -> AsyncIterator[None]:
    station.device.flowing.clear()
    yield
    station.device.flowing.set()


@asynccontextmanager
async def _gone(station: Station, _value: float) -> AsyncIterator[None]:
    station.refuse()
    yield
    await station.listen()


@asynccontextmanager
async def _reboot(station: Station, value: float) -> AsyncIterator[None]:
    station.refuse()
    yield
    station.device.boot(station.device.camera.offset_s + value)
    await station.listen()


@asynccontextmanager
async def _step(station: Station, value: float) -> AsyncIterator[None]:
    device = station.device
    device.clock = device.clock.stepped(value)
    yield
    device.clock = device.clock.stepped(-value)


@asynccontextmanager
async def _jump(station: Station, value: float) -> AsyncIterator[None]:
    device = station.device
    device.clock = device.clock.jumped(value)
    yield
    device.clock = device.clock.jumped(-value)


@asynccontextmanager
async def _password(station: Station, value: float) -> AsyncIterator[None]:
    async with _cut_and_setting(password=f"changed:{secrets.token_hex(8)}")(station, value):
        yield


@asynccontextmanager
async def _size(station: Station, value: float) -> AsyncIterator[None]:
    device, (width, height) = station.device, station.device.size
    device.reform((_even(width * value, STRIP[1]), _even(height * value, 2 * STRIP[0])), device.codec)
    yield
    device.reform((width, height), device.codec)


@asynccontextmanager
async def _codec(station: Station, _value: float) -> AsyncIterator[None]:
    device, before = station.device, station.device.codec
    device.reform(device.size, "hevc" if before == "h264" else "h264")
    device.cut()  # a description holds for one connection
    yield
    device.reform(device.size, before)
    device.cut()


def _even(size: float, least: int) -> int:
    return max(least, 2 * round(size / 2))


KINDS: Final[dict[str, Kind]] = {
    "stall": Kind("the camera sends nothing; what it took meanwhile is lost", _setting(silent=True)),
    "hold": Kind("nothing arrives, and then up to 3 s of it at once: a network that stood still", _hold),
    "halfopen": Kind("connections are accepted, then not a word until the end: a camera that hangs", _halfopen),
    "reset": Kind("all connections are reset", _reset, moment=True),
    "slow": Kind("a link of V kbit/s to each viewer", _setting(kbit_s=...), 100.0),
    "loss": Kind("a share V of all RTP packets vanishes", _setting(loss=...), 0.05),
    "corrupt": Kind("a share V of all RTP packets has four bytes changed", _setting(corrupt=...), 0.05),
    "reboot": Kind("off, then on again with its wall clock V seconds faster than set and a new RTP clock", _reboot, for_s=3.0),
    "step": Kind("its wall clock is set V seconds forward; the pictures go on as before", _step, 20.0, moment=True),
    "jump": Kind("its RTP clock jumps V seconds forward; the wall clock goes on", _jump, 20.0, moment=True),
    "password": Kind("another password than before; connections are reset", _password),
    "midgop": Kind("connections are reset, and viewers join in the middle of a group of pictures", _cut_and_setting(torn=True)),
    "size": Kind("pictures of V times the width and height, without a word", _size, 0.5),
    "codec": Kind("H.265 instead of H.264, or the other way round; connections are reset", _codec),
    "freeze": Kind("the same picture again and again, as while the shutter of a thermal camera is closed", _setting(frozen=True)),
    "gone": Kind("switched off: connections are reset, new ones refused", _gone),
}
