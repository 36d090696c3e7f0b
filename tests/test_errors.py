"""The tree of errors: what a caller catches."""

import inspect

import pytest

from streamfuse import errors
from streamfuse.errors import PipelineError, SourceAuthError, SourceError, StreamFuseError, UnsupportedInputError

CLASSES = [c for _, c in inspect.getmembers(errors, inspect.isclass) if c.__module__ == errors.__name__]
BUILTINS = {
    "ConfigError": ValueError,
    "FrameError": ValueError,
    "SourceError": OSError,
    "RigError": ValueError,
    "WeightsError": ValueError,
    "DeviceError": RuntimeError,
    "BusError": OSError,
    "WireError": ValueError,
    "PipelineError": ExceptionGroup,
}


@pytest.mark.parametrize("kind", CLASSES)
def test_one_root(kind):
    """Catching StreamFuseError catches everything that StreamFuse raises on purpose."""
    assert issubclass(kind, StreamFuseError)


@pytest.mark.parametrize(("name", "builtin"), BUILTINS.items())
def test_builtin_beside_the_root(name, builtin):
    """Who knows only the builtin of an error can still catch it."""
    assert issubclass(getattr(errors, name), builtin)


def test_drawn_tree_is_the_real_one():
    """The tree at the top of the file names every class, below its parent, with its builtin."""
    drawn = errors.__doc__ or ""
    for kind in CLASSES:
        line = next(line for line in drawn.splitlines() if line.lstrip("│├└─ ").startswith(kind.__name__))
        if kind.__name__ in BUILTINS:
            assert f"({BUILTINS[kind.__name__].__name__})" in line
        depth = len(kind.__mro__[kind.__mro__.index(kind) : kind.__mro__.index(StreamFuseError)])
        assert (len(line) - len(line.lstrip("│├└─ "))) == 4 * depth, line


def test_what_is_never_retried_is_told_apart():
    """A camera that refuses the credentials, or gives something else, is a SourceError of its own kind."""
    with pytest.raises(SourceError) as caught:
        raise UnsupportedInputError("no video in it")
    assert not isinstance(caught.value, SourceAuthError)


def test_all_failures_of_a_run_arrive_together():
    """`except*` picks one kind of failure out of a PipelineError and leaves the class as it is."""
    failures = PipelineError("2 failures", [SourceError("camera"), ValueError("fuse")])
    sources, rest = failures.split(SourceError)
    assert isinstance(sources, PipelineError)
    assert isinstance(rest, PipelineError)
    assert [str(e) for e in sources.exceptions] == ["camera"]
    assert [str(e) for e in rest.exceptions] == ["fuse"]
    assert sources.message == failures.message == "2 failures"
