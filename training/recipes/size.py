"""How large the network of a recipe is, by plain arithmetic: listing recipes builds none."""

from itertools import pairwise
from typing import assert_never

from training.recipes.base import ConvNetwork, DenseNetwork, NetworkConfig, ResidualNetwork

_PIXELS = 28 * 28
_SMALL_PIXELS = 7 * 7


def count_parameters(network: NetworkConfig) -> int:
    """How many numbers a fit adjusts; what the encoder says for the fit alone, of a variational code, is among them."""
    match network:
        case ResidualNetwork():
            return _count_residual(network)
        case DenseNetwork():
            return _count_dense(network)
        case ConvNetwork():
            return _count_conv(network)
        case _:
            assert_never(network)


def _count_dense(network: DenseNetwork) -> int:
    widths = (_PIXELS, *network.widths, *network.widths[-2::-1], _PIXELS)
    return sum(_dense(inputs, units) for inputs, units in pairwise(widths))


def _count_conv(network: ConvNetwork) -> int:
    large, small = network.channels
    maps, hidden, code_dim = _SMALL_PIXELS * small, network.hidden, network.code_dim
    encoder = _convolve(network.channels) + _dense(maps, hidden) + _dense(hidden, code_dim)
    decoder = _dense(code_dim, hidden) + _dense(hidden, maps) + _convolution(4, small, large)
    return encoder + decoder + _convolution(4, large, 1)


def _count_residual(network: ResidualNetwork) -> int:
    width, code_dim = network.width, network.code_dim
    stem, features = 0, _PIXELS
    if network.stem is not None:
        stem, features = _convolve(network.stem.channels), _SMALL_PIXELS * network.stem.channels[1]
    blocks = network.encoder_blocks + network.decoder_blocks
    trunks = blocks * _block(width, network.hidden) + 2 * _norm(width)
    code = _dense(width, code_dim) * (2 if network.variational else 1)
    last, pixels = 0, _dense(width, _PIXELS)
    if network.last_hidden is not None:
        last, pixels = _dense(width, network.last_hidden), _dense(network.last_hidden, _PIXELS)
    return stem + _dense(features, width) + trunks + code + _dense(code_dim, width) + last + pixels


def _block(width: int, hidden: int) -> int:
    return _norm(width) + _dense(width, hidden) + _dense(hidden, width)


def _convolve(channels: tuple[int, int]) -> int:
    """The two convolutions of an encoder, and the normalization of what they found."""
    first, second = channels
    return _convolution(4, 1, first) + _convolution(3, first, second) + _norm(_SMALL_PIXELS * second)


def _convolution(size: int, inputs: int, filters: int) -> int:
    return size * size * inputs * filters + filters


def _dense(inputs: int, units: int) -> int:
    return inputs * units + units


def _norm(features: int) -> int:
    return 2 * features
