"""Pictures of the figures that people draw, whatever library drew them."""

from __future__ import annotations

import io
import mimetypes
from typing import Any

from ...errors import InvalidInput, MissingPackage

Picture = tuple[bytes, str, str]
"""Bytes, media type, and the suffix for a file's name."""

_RICH = (
    ("_repr_png_", "image/png", ".png"),
    ("_repr_svg_", "image/svg+xml", ".svg"),
    ("_repr_html_", "text/html", ".html"),
)


def figure_bytes(figure: Any) -> Picture:
    """A picture of ``figure``. Raises InvalidInput for something that cannot be drawn."""
    if hasattr(figure, "savefig"):  # matplotlib's Figure, and pyplot itself
        return _saved(figure)
    owner = getattr(figure, "figure", None) or getattr(figure, "fig", None)
    if owner is not None and hasattr(owner, "savefig"):  # Axes, seaborn's grids
        return _saved(owner)
    if hasattr(figure, "write_html"):  # plotly
        return figure.to_html(include_plotlyjs="cdn").encode(), "text/html", ".html"
    if hasattr(figure, "save") and hasattr(figure, "getpixel"):  # PIL
        buffer = io.BytesIO()
        figure.save(buffer, format="PNG")
        return buffer.getvalue(), "image/png", ".png"
    return _rich(figure)


def media_type_of(name: str) -> str:
    """The media type that a file's name stands for."""
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def _saved(figure: Any) -> Picture:
    buffer = io.BytesIO()
    try:
        figure.savefig(buffer, format="png", bbox_inches="tight")
    except ImportError as error:
        raise MissingPackage(f"Drawing this figure needs a package: {error}") from error
    return buffer.getvalue(), "image/png", ".png"


def _rich(figure: Any) -> Picture:
    for method, media_type, suffix in _RICH:
        drawn = getattr(figure, method, lambda: None)()
        if drawn:
            data = drawn[0] if isinstance(drawn, tuple) else drawn
            return data if isinstance(data, bytes) else str(data).encode(), media_type, suffix
    raise InvalidInput(
        f"Cannot draw a {type(figure).__name__}: log_figure takes a figure of matplotlib, plotly or PIL, "
        "or an object that displays as PNG, SVG or HTML."
    )
