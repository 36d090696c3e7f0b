"""Memory, disk, and what happens where either fails."""

import os
import threading
from pathlib import Path

import pytest

from streamfuse.text import bank, cache
from streamfuse.text.cache import CachedEncoder, Shelf


def same(a, b) -> bool:
    return (a.encoder, a.pooled.tobytes(), a.tokens.tobytes(), a.mask.tobytes()) == (
        b.encoder,
        b.pooled.tobytes(),
        b.tokens.tobytes(),
        b.mask.tobytes(),
    )


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "shelf")


def files(shelf: Shelf) -> list[Path]:
    return sorted(shelf.folder.iterdir())


def test_asked_once(hashing, shelf):
    """The encoder is asked once for each text, however it is spaced, and memory gives back the very same encoding."""
    cached = CachedEncoder(hashing, shelf)
    first, second = cached.encode(["two  deer", " two deer "])
    assert first is second is cached.encode(["two deer"])[0]
    assert hashing.asked == ["two deer"]


def test_kept_on_disk(hashing, shelf):
    """Another process finds the same bytes without asking the encoder."""
    (made,) = CachedEncoder(hashing, shelf).encode(["two deer"])
    hashing.asked.clear()
    (read,) = CachedEncoder(hashing, Shelf(shelf.folder)).encode(["two deer"])
    assert same(made, read)
    assert hashing.asked == []


def test_each_encoder_has_its_own(hashing, shelf):
    """The same text by two encoders is two embeddings; two texts by one are two as well."""
    other = type(hashing)("other", dim=6)
    (mine,) = CachedEncoder(hashing, shelf).encode(["two deer"])
    (theirs,) = CachedEncoder(other, shelf).encode(["two deer"])
    CachedEncoder(hashing, shelf).encode(["three deer"])
    assert (mine.encoder, theirs.encoder, mine.dim, theirs.dim) == ("hashing", "other", 8, 6)
    assert len(files(shelf)) == 3


def test_texts_are_not_stored(hashing, shelf):
    """Neither name nor content of a file tells what was asked."""
    CachedEncoder(hashing, shelf).encode(["secret meeting"])
    (path,) = files(shelf)
    assert "secret" not in path.name
    assert b"secret" not in path.read_bytes()


def test_what_ships_is_neither_made_nor_stored(hashing, shelf):
    """Prompts of the bank come from the package, by text, by id, and for nothing at all."""
    minilm = type(hashing)("minilm", dim=384)
    cached = CachedEncoder(minilm, shelf)
    by_text, by_id, neutral = cached.encode(["make people stand out", "target/people", ""])
    assert by_text is by_id is bank.shipped()["make people stand out"]
    assert neutral is bank.shipped()[bank.prompts()[bank.NEUTRAL].text]
    assert minilm.asked == []
    assert not shelf.folder.exists()


def test_other_encoders_make_the_bank_themselves(hashing, shelf):
    """Shipped embeddings are never given out as another encoder's."""
    (made,) = CachedEncoder(hashing, shelf).encode(["target/people"])
    assert made.encoder == "hashing"
    assert hashing.asked == ["make people stand out"]


def test_memory_is_bounded(hashing, shelf):
    """Beyond the limit the text that was not used for the longest time is forgotten, but still lies on disk."""
    cached = CachedEncoder(hashing, shelf, entries=2)
    a, b = cached.encode(["a", "b"])
    assert cached.encode(["a"])[0] is a
    cached.encode(["c"])
    assert cached.encode(["a"])[0] is a
    (again,) = cached.encode(["b"])
    assert again is not b
    assert same(again, b)
    assert hashing.asked == ["a", "b", "c"]


def test_name_and_width(hashing, shelf):
    """They are the encoder's."""
    cached = CachedEncoder(hashing, shelf)
    assert (cached.name, cached.dim) == ("hashing", 8)


def flipped(data: bytes) -> bytes:
    """One bit of the vectors."""
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda _: b"", id="empty"),
        pytest.param(lambda data: data[: len(data) // 2], id="cut"),
        pytest.param(flipped, id="one bit"),
        pytest.param(lambda data: bytes(len(data)), id="zeros"),
        pytest.param(lambda data: data[:-32], id="no digest"),
    ],
)
def test_a_damaged_file_is_made_anew(hashing, shelf, caplog, damage):
    """A file that lost even a bit is logged, made again, and right from then on."""
    (made,) = CachedEncoder(hashing, shelf).encode(["two deer"])
    (path,) = files(shelf)
    path.write_bytes(damage(path.read_bytes()))
    (again,) = CachedEncoder(hashing, shelf).encode(["two deer"])
    assert same(made, again)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert f"{path} is damaged" in caplog.text
    caplog.clear()
    (read,) = CachedEncoder(hashing, shelf).encode(["two deer"])
    assert same(made, read)
    assert not caplog.records
    assert hashing.asked == ["two deer"] * 2


def test_a_folder_that_cannot_be_written(hashing, tmp_path, caplog):
    """Embeddings stay in memory, and one line says so, however many texts follow."""
    (tmp_path / "file").write_text("in the way")
    cached = CachedEncoder(hashing, Shelf(tmp_path / "file" / "embeddings"))
    a, _, _ = cached.encode(["a", "b", "c"])
    assert cached.encode(["a"])[0] is a
    assert hashing.asked == ["a", "b", "c"]
    assert [record.message.partition(":")[0] for record in caplog.records] == ["embeddings are kept in memory only"]


def test_a_broken_write_leaves_nothing(hashing, shelf, monkeypatch, caplog):
    """Where the disk is full there is no half a file, under no name."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    CachedEncoder(hashing, shelf).encode(["a"])
    assert files(shelf) == []
    assert "No space left on device" in caplog.text


def test_disk_is_bounded(hashing, tmp_path, monkeypatch):
    """Beyond the limit the oldest files go, forgotten parts of broken writes first among them."""
    monkeypatch.setattr(cache, "TRIM_EVERY", 1)
    shelf = Shelf(tmp_path, entries=2)
    (tmp_path / "tmp123.part").write_bytes(b"half")
    os.utime(tmp_path / "tmp123.part", ns=(0, 0))
    for age, text in enumerate("abc", 1):
        CachedEncoder(hashing, shelf).encode([text])
        os.utime(shelf._path("hashing", text), ns=(age, age))
    CachedEncoder(hashing, shelf).encode(["d"])
    assert files(shelf) == sorted(shelf._path("hashing", text) for text in "cd")


def test_threads_share(hashing, shelf):
    """Threads that ask for the same texts at once get the same encodings, each made once."""
    cached = CachedEncoder(hashing, shelf)
    texts = [f"text {i}" for i in range(20)]
    start = threading.Barrier(4)
    found: list[list[object]] = []

    def ask() -> None:
        start.wait()
        found.append([encoding for text in texts for encoding in cached.encode([text])])

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(hashing.asked) == sorted(texts)
    assert all(a is b for others in found[1:] for a, b in zip(found[0], others, strict=True))


def test_where_it_lies(cache_home):
    """Embeddings have a folder of their own in the user's cache."""
    assert cache.embeddings_folder() == cache_home / "streamfuse" / "embeddings"
