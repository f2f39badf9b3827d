"""Python's garbage collection, which looks again and again at what never dies."""

import gc

# Objects that are made, and not freed by their counts, before the young ones are looked at. Python's 700 are those of
# 30 requests; with 256 under way, which stay alive all the while, looking at them took a tenth of the time of all.
_YOUNG = 20_000


def keep_from_collector() -> None:
    """Take what is alive now out of it.

    Modules and applications are a hundred thousand objects, with TensorFlow several times as many. Each full collection
    that looks at them all stops every request for up to a tenth of a second, and all of them together took a quarter of
    the time of requests. What is alive now and dies by a cycle later, as a first version's graph, stays in memory.
    """
    gc.collect()
    gc.freeze()


def collect_less_often() -> None:
    """Let it look at young objects a thirtieth as often.

    Not for a process that calls a model server: the calls of gRPC's client are cycles that hold their messages, and a
    thousand of them a gigabyte.
    """
    gc.set_threshold(_YOUNG, *gc.get_threshold()[1:])
