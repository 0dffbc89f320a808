"""From SVG to a PNG file that a mail can carry."""

from __future__ import annotations

import io

from PIL import Image

from .model import DrawingError
from .typeset import all_font_files, is_arabic


def to_png(drawing: str, budget: int) -> bytes:
    """The drawing as PNG, in true colour where that stays below `budget` bytes, in a palette elsewhere."""
    try:
        import resvg_py
    except ImportError:
        raise DrawingError("resvg-py is missing: pip install 'pressrun[draw]'") from None
    fonts = [str(file) for file in all_font_files(arabic=is_arabic(drawing))] if "<text" in drawing else []
    rendered = resvg_py.svg_to_bytes(svg_string=drawing, skip_system_fonts=True, font_files=fonts)
    picture = Image.open(io.BytesIO(rendered)).convert("RGB")
    encoded = _encoded(picture)
    for colours in (256, 192, 128, 64):
        if len(encoded) <= budget:
            break
        encoded = _encoded(picture.quantize(colours, Image.Quantize.MEDIANCUT, kmeans=2, dither=Image.Dither.NONE))
    return encoded


def _encoded(picture: Image.Image) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, "PNG", optimize=True)
    return stream.getvalue()
