"""Python's garbage collection, which looks again and again at what never dies."""

import gc


def keep_from_collector() -> None:
    """Take what is alive now out of it.

    Modules and applications are a hundred thousand objects, TensorFlow has several times as many, and each full
    collection that looks at them all stops every request: for a tenth of a second, or a fifth of its time in the mean.
    """
    gc.collect()
    gc.freeze()
