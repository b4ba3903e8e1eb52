"""Images by their headers. Pillow lives here; without it they are counted by their endings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ...entities import ImageSummary
from .ranking import commonest

IMAGES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".pgm", ".tif", ".tiff", ".webp"})
MOST_KINDS = 50
MOST_CLASSES = 1000
MOST_UNREADABLE = 20


def summarize_images(root: Path, images: Sequence[Path]) -> ImageSummary:
    """Formats, sizes, modes, and the folders that images lie in: their classes."""
    formats, sizes, modes = Counter[str](), Counter[str](), Counter[str]()
    classes = Counter(path.parent.name for path in images if path.parent != root)
    unreadable = []
    for path in images:
        header = _header(path)
        if header is None:
            unreadable.append(str(path.relative_to(root)))
            continue
        kind, size, mode = header
        formats[kind] += 1
        if size:
            sizes[size] += 1
            modes[mode] += 1
    return ImageSummary(
        count=len(images),
        formats=commonest(formats, MOST_KINDS),
        sizes=commonest(sizes, MOST_KINDS),
        modes=commonest(modes, MOST_KINDS),
        classes=commonest(classes, MOST_CLASSES),
        unreadable=unreadable[:MOST_UNREADABLE],
    )


def _header(path: Path) -> tuple[str, str, str] | None:
    """Format, size and mode; only the format, by the ending, without Pillow. None for what is no image."""
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError:
        return path.suffix.lower().lstrip("."), "", ""
    try:
        with Image.open(path) as image:
            return str(image.format), f"{image.width}x{image.height}", image.mode
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None  # SyntaxError is what Pillow raises for some broken headers
