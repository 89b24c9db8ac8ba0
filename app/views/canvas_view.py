"""Which part of the drawing is seen, and how large? Numbers only, no Qt."""

from __future__ import annotations

from dataclasses import dataclass

NEAREST = 3.0
FARTHEST = 0.01
MARGIN = 28.0
"""Free pixels around a drawing that is shown as a whole."""


@dataclass(frozen=True, slots=True)
class View:
    """A scene point (x, y) is seen at (x * zoom + dx, y * zoom + dy), in pixels of the widget."""

    zoom: float = 1.0
    dx: float = 0.0
    dy: float = 0.0

    def to_scene(self, x: float, y: float) -> tuple[float, float]:
        """Return the scene point seen at a pixel."""
        return (x - self.dx) / self.zoom, (y - self.dy) / self.zoom

    def to_widget(self, x: float, y: float) -> tuple[float, float]:
        """Return the pixel at which a scene point is seen.

        >>> View(2.0, 5.0, 5.0).to_widget(10.0, 0.0)
        (25.0, 5.0)
        """
        return x * self.zoom + self.dx, y * self.zoom + self.dy

    def box(self, width: float, height: float) -> tuple[float, float, float, float]:
        """Return the part of the scene seen in a widget of this size."""
        left, top = self.to_scene(0.0, 0.0)
        right, bottom = self.to_scene(width, height)
        return left, top, right, bottom

    def zoomed(self, factor: float, x: float, y: float) -> View:
        """Return the view `factor` times as large, what lies under the pixel (x, y) staying there.

        >>> View().zoomed(2.0, 100.0, 50.0).to_scene(100.0, 50.0)
        (100.0, 50.0)
        """
        zoom = min(max(self.zoom * factor, FARTHEST), NEAREST)
        scene_x, scene_y = self.to_scene(x, y)
        return View(zoom, x - scene_x * zoom, y - scene_y * zoom)

    def moved(self, dx: float, dy: float) -> View:
        """Return the view with the drawing moved by so many pixels."""
        return View(self.zoom, self.dx + dx, self.dy + dy)

    def centred(self, x: float, y: float, width: float, height: float) -> View:
        """Return the view with a scene point in the middle of a widget of this size."""
        return View(self.zoom, width / 2 - x * self.zoom, height / 2 - y * self.zoom)

    def kept_near(self, bounds: tuple[float, float, float, float], width: float, height: float) -> View:
        """Return the view moved back as far as needed to see some of the drawing."""
        left, top = self.to_widget(bounds[0], bounds[1])
        right, bottom = self.to_widget(bounds[2], bounds[3])
        keep_x, keep_y = min(120.0, width / 3), min(80.0, height / 3)
        dx = min(0.0, width - keep_x - left) + max(0.0, keep_x - right)
        dy = min(0.0, height - keep_y - top) + max(0.0, keep_y - bottom)
        return self.moved(dx, dy)

    def between(self, other: View, share: float, width: float, height: float) -> View:
        """Return the view on the way to another; zoom in equal steps, the middle in a straight line."""
        zoom = self.zoom * (other.zoom / self.zoom) ** share
        start, end = self.to_scene(width / 2, height / 2), other.to_scene(width / 2, height / 2)
        x, y = (a + (b - a) * share for a, b in zip(start, end, strict=True))
        return View(zoom, width / 2 - x * zoom, height / 2 - y * zoom)


def fitted(bounds: tuple[float, float, float, float], width: float, height: float, most: float = 1.0) -> View:
    """Return the view that shows all of `bounds` in the middle of a widget, at most `most` times its own size.

    >>> fitted((0.0, 0.0, 100.0, 100.0), 400.0, 300.0)
    View(zoom=1.0, dx=150.0, dy=100.0)
    """
    left, top, right, bottom = bounds
    zoom = min(
        max(width - 2 * MARGIN, 20.0) / max(right - left, 1.0),
        max(height - 2 * MARGIN, 20.0) / max(bottom - top, 1.0),
        most,
    )
    zoom = max(zoom, FARTHEST)
    return View(zoom).centred((left + right) / 2, (top + bottom) / 2, width, height)
