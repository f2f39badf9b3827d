"""Who may ask, and how much: keys, where they are kept, and rates."""

from service.access.gate import Gate, KeyGate, OpenGate
from service.access.keyfile import KeyFile
from service.access.keys import Key, KeyRing, UnusableKeysError, make_key, parse_keys
from service.access.rates import Rate, RateLimiter

__all__ = [
    "Gate",
    "Key",
    "KeyFile",
    "KeyGate",
    "KeyRing",
    "OpenGate",
    "Rate",
    "RateLimiter",
    "UnusableKeysError",
    "make_key",
    "parse_keys",
]
