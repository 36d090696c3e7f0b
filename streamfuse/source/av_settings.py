"""How a video file or camera is opened."""

from pathlib import Path

from pydantic import ConfigDict, Field, field_serializer, field_validator

from streamfuse.errors import ConfigError
from streamfuse.frames import Spectrum
from streamfuse.redaction import redacted
from streamfuse.registry import Settings
from streamfuse.source.address import unknown_option
from streamfuse.source.clocks import LadderSettings
from streamfuse.source.depth import Bits


class AvSettings(Settings):
    """A video file or camera. Exactly one of `url` and `url_file` is given."""

    model_config = ConfigDict(hide_input_in_errors=True)  # the input holds the password

    spectrum: Spectrum
    url: str | None = Field(None, repr=False)
    """A path, a device such as /dev/video0, or an URL: file, http(s), rtsp(s), rtmp(s), rtp, udp."""
    url_file: Path | None = None
    """A file that holds the URL, for secrets."""
    format: str | None = None
    """Container or device format, where it cannot be told from the data; `v4l2` is set for devices."""
    options: dict[str, str | int | float] = Field(default_factory=dict)
    """Options for libav, from the allow-list in the documentation."""
    open_timeout_s: float = Field(10.0, gt=0, le=600)
    read_timeout_s: float = Field(5.0, gt=0, le=600)
    bits: Bits = "auto"
    """Infrared: what the stream must have, 16 standing for anything above 8. `auto` takes what comes."""
    creation_time: bool = True
    """Files: start at the time of recording that the file states. Otherwise, and where it states none, at 1970."""

    clock: LadderSettings = LadderSettings()
    """Live cameras: what their pictures are stamped by."""

    @field_serializer("url", when_used="json")
    def _no_credentials_in_dumps(self, url: str | None) -> str | None:
        return None if url is None else redacted(url)

    @field_validator("options")
    @classmethod
    def _options_are_allowed(cls, options: dict[str, str | int | float]) -> dict[str, str | int | float]:
        if complaint := unknown_option(options):
            raise ValueError(complaint)
        return options

    def address(self) -> str:
        """The URL itself, credentials and all. `ConfigError` where neither or both are given, or the file holds none."""
        if (self.url is None) == (self.url_file is None):
            raise ConfigError(f"source av, {self.spectrum}: give exactly one of url and url_file")
        if self.url_file is None:
            return self.url or ""
        try:
            url = self.url_file.read_text().strip()
        except OSError as exc:
            raise ConfigError(f"url_file {self.url_file}: {exc.strerror}") from exc
        if not url:
            raise ConfigError(f"url_file {self.url_file} is empty; it holds one line, the URL")
        return url
