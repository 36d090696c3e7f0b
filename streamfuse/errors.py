"""Every error that StreamFuse raises on purpose.

StreamFuseError
├── ConfigError    (ValueError)        a value, a key or a name in the configuration
├── FrameError     (ValueError)        a frame or tensor that breaks the contract of its type
├── SourceError    (OSError)           a camera, file or folder that cannot be opened or read
│   ├── SourceAuthError                the camera refused the credentials: retry slowly
│   └── UnsupportedInputError          opened, but not what was promised (no video, 16 bits, ...): do not retry
├── RigError       (ValueError)        a calibration that is missing, broken or for other image sizes
├── WeightsError   (ValueError)        weights or a model file that is missing, broken or for something else
├── TrainingError  (RuntimeError)      a training run that cannot go on: no finite loss, a checkpoint of another recipe
├── DeviceError    (RuntimeError)      the accelerator failed or is not there
├── BusError       (OSError)           an endpoint that cannot be bound or reached
│   └── SubscriberStalledError         lossless: a subscriber stopped reading
├── WireError      (ValueError)        a message that does not follow the wire format
└── PipelineError  (ExceptionGroup)    all failures of one run, each with the stage that failed as a note

A class exists where a caller would act differently. Errors of other libraries are translated in their one home.
"""

from collections.abc import Sequence


class StreamFuseError(Exception):
    """Root of every error that StreamFuse raises on purpose."""


class ConfigError(StreamFuseError, ValueError):
    """A key, value or name in the configuration is wrong; the message names the key and the nearest right one."""


class FrameError(StreamFuseError, ValueError):
    """A frame, pair or batch breaks the contract of its type (rank, dtype, size)."""


class SourceError(StreamFuseError, OSError):
    """A camera, file or folder cannot be opened or read. Worth another try where the source is live."""


class SourceAuthError(SourceError):
    """The camera refused the credentials. Try again slowly: cameras lock accounts."""


class UnsupportedInputError(SourceError):
    """It opened, but is not what was promised: no video in it, 16 bits where 8 were promised. Retried where it did better before."""


class RigError(StreamFuseError, ValueError):
    """A calibration is missing, broken, or was made for other image sizes."""


class WeightsError(StreamFuseError, ValueError):
    """A weights or model file is missing, broken, or was made for something else."""


class TrainingError(StreamFuseError, RuntimeError):
    """A training run cannot go on; what it had reached is kept."""


class DeviceError(StreamFuseError, RuntimeError):
    """The compute device failed or is not there."""


class BusError(StreamFuseError, OSError):
    """An endpoint cannot be bound or reached."""


class SubscriberStalledError(BusError):
    """A lossless run ended because a subscriber stopped reading for longer than the subscriber timeout."""


class WireError(StreamFuseError, ValueError):
    """A message does not follow the wire format: wrong version, length, type or shape."""


class PipelineError(StreamFuseError, ExceptionGroup[Exception]):
    """All failures of one run, together; each exception carries a note `stage: NAME`."""

    def derive(self, excs: Sequence[Exception]) -> "PipelineError":  # type: ignore[override]
        """Keep the class when the group is split by `except*`."""
        return PipelineError(self.message, excs)
