"""How many threads the CPU gives to one operation on pixels."""

MOST_THREADS, CORES_FOR_VIDEO = 8, 2


def threads_for(cores: int) -> int:
    """Decoding and encoding keep two cores to themselves.

    Threads that wait for each other at the end of every operation crawl as soon as one of them has no core of its own.
    """
    return min(MOST_THREADS, max(1, cores - CORES_FOR_VIDEO))
