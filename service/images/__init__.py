"""Bytes -> checked uint8 images, and back to PNG and npy; knows no transport.

What is accepted and what is refused is written down in docs/images.md. Image files are read in three steps,
so that hostile bytes cost little: `png`, `jpeg`, `gif`, ... read the header with bounded work and say what a
file claims to hold; `files` refuses by that claim; only then does Pillow decode, and it is given nothing but
the parts that draw pixels, never metadata. A PNG that is exactly what most are takes a shorter way: `plain_png`.
"""

from service.images.arrays import parse_codes_npy, parse_npy, parse_raw, render_npy, to_codes, to_images
from service.images.files import (
    ENDINGS,
    FORMATS,
    ImageLimits,
    Preprocess,
    UndecodedImage,
    decode_image,
    open_image,
    sniff,
)
from service.images.nested import parse_nested
from service.images.notes import Note, find_notes
from service.images.render import render_contact_sheet, render_png

__all__ = [
    "ENDINGS",
    "FORMATS",
    "ImageLimits",
    "Note",
    "Preprocess",
    "UndecodedImage",
    "decode_image",
    "find_notes",
    "open_image",
    "parse_codes_npy",
    "parse_nested",
    "parse_npy",
    "parse_raw",
    "render_contact_sheet",
    "render_npy",
    "render_png",
    "sniff",
    "to_codes",
    "to_images",
]
