"""Admits or refuses rows, joins waiting requests into backend calls and splits the answers again."""

from service.batching.batcher import Batcher, BatchLimits
from service.batching.lanes import Lanes

__all__ = ["BatchLimits", "Batcher", "Lanes"]
