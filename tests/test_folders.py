from pathlib import Path

from streamfuse.folders import cache_folder


def test_the_cache_follows_the_environment(tmp_path, monkeypatch):
    """XDG_CACHE_HOME where it is set and not empty, else the user's home; asking creates nothing."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "streamfuse"
    assert not cache_folder().exists()
    monkeypatch.setenv("HOME", "/home/somebody")
    for unset in ("", None):
        monkeypatch.setenv("XDG_CACHE_HOME", "") if unset == "" else monkeypatch.delenv("XDG_CACHE_HOME")
        assert cache_folder() == Path("/home/somebody/.cache/streamfuse")
