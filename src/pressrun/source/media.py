"""Reads what a picture file is, so that a wrong one is found before a reader finds it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

_WITHOUT_CHECKSUM = ("JPEG", "GIF")
MIME_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "GIF": "image/gif"}


@dataclass(frozen=True)
class Picture:
    """A picture's file, MIME type, and size in pixels and bytes."""

    file: Path
    mime_type: str
    width: int
    height: int
    octets: int


def read_picture(file: Path) -> Picture:
    """The picture in `file`; raises ValueError where it is none that mail programs show."""
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(file) as image:
                kind, (width, height) = image.format or "", image.size
                image.verify()
            if kind in _WITHOUT_CHECKSUM:  # only decoding them shows that the end is missing
                with Image.open(file) as image:
                    image.load()
    except (UnidentifiedImageError, SyntaxError) as error:
        raise ValueError("it is not a picture, or a broken one") from error
    except (OSError, Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise ValueError(f"it can't be read as a picture: {error}") from error
    if kind not in MIME_TYPES:
        raise ValueError(f"{kind} is not shown by every mail program")
    return Picture(file, MIME_TYPES[kind], width, height, file.stat().st_size)
