"""What waits for the reader. `d`, `i`: det and img; `s`: stat; `e`: eos; a letter and a number before name stream and result."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamfuse.publish.intake import Intake
from streamfuse.publish.mailbox import Mailbox
from streamfuse.publish.message import Message

KINDS = {"d": "det", "i": "img", "s": "stat", "e": "eos", "h": "hello"}


@pytest.fixture
def make(wire):
    """Turns `a0i` into the message."""
    publisher, intake = wire(), Intake(None)

    def message(drawn: str) -> Message:
        made = intake.take(publisher(KINDS[drawn[2]], int(drawn[1]), drawn[0]), int(drawn[1]))
        assert made is not None
        return made

    return message


def drawn(message: Message) -> str:
    return f"{message.stream}{message.received_ns}{next(letter for letter, kind in KINDS.items() if kind == message.kind)}"


@pytest.mark.parametrize(
    ("mode", "put", "taken"),
    [
        pytest.param("all", "a0d a0i a1d a1i a2e", "a0d a0i a1d a1i a2e", id="all, in order"),
        pytest.param("latest", "a0d a0i a1d a1i a2d a2i", "a2d a2i", id="the newest of each kind"),
        pytest.param("latest", "a0i b0i a1i b1i", "a1i b1i", id="the newest of each stream"),
        pytest.param("latest", "a0i b0i a1i a2i a3i", "a3i b0i", id="a quick stream keeps its turn"),
        pytest.param("latest", "a0h a0i a1i a2h a9e a9e", "a0h a1i a2h a9e a9e", id="hello and eos are never skipped"),
        pytest.param("latest", "a0s a1s", "a1s", id="only the newest figures count"),
        pytest.param("latest", "a9e b0i", "a9e b0i", id="the end of another stream waits for nobody"),
    ],
)
def test_what_is_handed_out(make, mode, put, taken):
    """A drawn sequence goes in while nobody reads, another comes out."""
    mailbox = Mailbox(mode, 100)
    for letters in put.split():
        mailbox.put(make(letters))
    mailbox.close()
    assert " ".join(drawn(message) for message in iter(lambda: mailbox.take(None), None)) == taken
    assert sum(mailbox.skipped.values()) == len(put.split()) - len(taken.split())


def test_h264_is_skipped_to_a_key_frame_only(wire):
    """A reader who was away for two groups of pictures continues at the last key frame, in order, and `eos` comes after it."""
    publisher, intake, mailbox = wire(codec="h264"), Intake(None), Mailbox("latest", 100)
    for number in range(65):
        message = intake.take(publisher("img", number), number)
        assert message is not None
        mailbox.put(message)
        if number == 62:
            mailbox.put(intake.take(publisher("det", number), number))  # type: ignore[arg-type]
    mailbox.put(intake.take(publisher("eos"), 99))  # type: ignore[arg-type]
    mailbox.close()
    taken = [drawn(message) for message in iter(lambda: mailbox.take(None), None)]
    assert [letters for letters in taken if letters.endswith("i")] == [f"cam1{number}i" for number in range(60, 65)]
    assert taken[-1] == "cam199e"
    assert mailbox.skipped == {"sf1/img/cam1/": 60}


def test_all_makes_the_filler_wait(make):
    """When `all` is full the receive thread stands still until one message is taken, and nothing is lost."""
    mailbox, messages = Mailbox("all", 2), [make(f"a{number}d") for number in range(5)]

    def fill() -> None:
        for message in messages:
            mailbox.put(message)

    filler = threading.Thread(target=fill)
    filler.start()
    assert [mailbox.take(None) for _ in messages] == messages
    filler.join()


def test_closing_frees_a_filler_that_waits(make):
    """Closing while the filler stands still lets it go; what waited can still be taken, then nothing more."""
    mailbox, first, second = Mailbox("all", 1), make("a0d"), make("a1d")
    mailbox.put(first)
    filler = threading.Thread(target=mailbox.put, args=(second,))
    filler.start()
    mailbox.close()
    filler.join()
    assert [mailbox.done, mailbox.take(None) is first, mailbox.done, mailbox.take(None)] == [False, True, True, None]


def test_taking_gives_up_in_time():
    """With nothing there, `take` returns None when its time is over."""
    assert Mailbox("latest", 1).take(0) is None


def test_listeners_hear_of_what_comes_until_they_leave(make):
    """Each arrival and the closing wake a listener; after `unlisten` nothing does."""
    mailbox, heard = Mailbox("latest", 1), threading.Semaphore(0)

    def listener() -> None:
        heard.release()

    mailbox.listen(listener)
    mailbox.put(make("a0d"))
    mailbox.close()
    assert heard.acquire(blocking=False)
    assert heard.acquire(blocking=False)
    mailbox.unlisten(listener)
    mailbox.close()
    assert not heard.acquire(blocking=False)


@pytest.fixture(scope="module")
def one_of_each(wire) -> dict[tuple[str, str], Message]:
    publisher, intake = wire(), Intake(None)
    made = {(stream, kind): intake.take(publisher(kind, 0, stream), 0) for stream in "ab" for kind in KINDS.values()}
    return {key: message for key, message in made.items() if message is not None}


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("dishe")), max_size=30), st.sets(st.integers(0, 29)))
def test_latest_is_bounded_and_forgets_no_topic(one_of_each, sequence, reads):
    """Whatever comes and whenever it is read: at most one img, det and stat of a stream wait, and each topic is handed out."""
    mailbox, taken = Mailbox("latest", 1), []
    for number, (stream, letter) in enumerate(sequence):
        mailbox.put(one_of_each[stream, KINDS[letter]])
        if number in reads:
            taken.append(mailbox.take(0))
    mailbox.close()
    rest = list(iter(lambda: mailbox.take(None), None))
    topics = [message.topic for message in rest if message.kind in ("img", "det", "stat")]
    assert len(topics) == len(set(topics))
    handed_out = [message for message in [*taken, *rest] if message is not None]
    assert {message.topic for message in handed_out} == {f"sf1/{KINDS[letter]}/{stream}/" for stream, letter in sequence}
    assert sum(message.kind in ("hello", "eos") for message in handed_out) == sum(letter in "he" for _, letter in sequence)
