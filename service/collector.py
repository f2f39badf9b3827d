"""Python's garbage collection, which looks again and again at what never dies."""

import gc


def keep_from_collector() -> None:
    """Take what is alive now out of it.

    Modules and applications are a hundred thousand objects, with TensorFlow several times as many. Each full collection
    that looks at them all stops every request for up to a tenth of a second, and all of them together took a quarter of
    the time of requests. What is alive now and dies by a cycle later, as a first version's graph, stays in memory.
    """
    gc.collect()
    gc.freeze()
