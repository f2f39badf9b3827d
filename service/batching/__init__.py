"""Admits or refuses rows, joins waiting requests into backend calls and splits the answers again."""

from service.batching.batcher import Batcher, BatchLimits
from service.batching.lanes import Lanes
from service.batching.observer import BatchObserver, Unobserved

__all__ = ["BatchLimits", "BatchObserver", "Batcher", "Lanes", "Unobserved"]
