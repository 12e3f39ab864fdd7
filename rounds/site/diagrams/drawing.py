"""A few shapes as inline SVG, in the colours of the page that they stand on."""

from base64 import b64encode
from dataclasses import dataclass, field
from html import escape

from rounds.figures import COLOURS, TEXT

# As wide as a phone's text: letters are then as large there as those of the prose.
WIDTH = 360
ACCENT = "var(--pst-color-primary, currentColor)"
# Where there is no page: the colours of the figures, on a ground of its own.
OWN = (
    f"color: {TEXT}; --pst-color-primary: {COLOURS['blue']}; background: white; "
    "font-family: sans-serif"
)
LINE = 'fill="none" stroke="currentColor" stroke-width="1.3"'


@dataclass
class Drawing:
    """Shapes on a ground WIDTH wide and `height` high, y pointing down.

    `title` names the picture and `told` says in words what it shows: what a screen
    reader reads.
    """

    title: str
    told: str
    height: float
    parts: list[str] = field(default_factory=list)

    def box(
        self, x: float, y: float, w: float, h: float, *, fill: float = 0, dashed=False
    ) -> None:
        """A rectangle, its ground the accent colour with the opacity `fill`."""
        place = f'x="{x:g}" y="{y:g}" width="{w:g}" height="{h:g}" rx="3"'
        if fill:
            ground = f'style="fill: {ACCENT}" fill-opacity="{fill:g}"'
            self.parts.append(f"<rect {place} {ground}/>")
        dash = ' stroke-dasharray="3 3" opacity="0.6"' if dashed else ""
        self.parts.append(f"<rect {place} {LINE}{dash}/>")

    def bar(self, x: float, y: float, w: float, h: float) -> None:
        """A solid bar that stands on the line y."""
        place = f'x="{x:g}" y="{y - h:g}" width="{w:g}" height="{h:g}"'
        self.parts.append(f'<rect {place} style="fill: {ACCENT}"/>')

    def text(
        self, x: float, y: float, words: str, *, at="middle", size=13, bold=False
    ) -> None:
        """Words on the line y, their middle, "start" or "end" at x."""
        weight = ' font-weight="600"' if bold else ""
        place = f'x="{x:g}" y="{y:g}" text-anchor="{at}" font-size="{size}"'
        self.parts.append(
            f'<text {place}{weight} fill="currentColor">{escape(words)}</text>'
        )

    def line(self, *points: tuple[float, float]) -> None:
        """A line through the points."""
        path = " ".join(f"{x:g},{y:g}" for x, y in points)
        self.parts.append(f'<polyline points="{path}" {LINE}/>')

    def arrow(self, *points: tuple[float, float]) -> None:
        """The same, with a head; the last stretch goes down."""
        x, y = points[-1]
        self.line(*points[:-1], (x, y - 5))
        head = f"{x - 4:g},{y - 7:g} {x + 4:g},{y - 7:g} {x:g},{y:g}"
        self.parts.append(f'<polygon points="{head}" fill="currentColor"/>')

    def svg(self, key: str) -> str:
        """The picture as a figure; `key` tells it from others on its page."""
        named = f'role="img" aria-labelledby="{key}-title {key}-told"'
        head = f'<title id="{key}-title">{escape(self.title)}</title>'
        head += f'<desc id="{key}-told">{escape(self.told)}</desc>'
        return f'<div class="rounds-diagram">{self._drawn(named, head)}</div>'

    def __repr__(self) -> str:
        return f"{self.title}. {self.told}"

    def _repr_html_(self) -> str:
        # An image and not SVG, of which JupyterLab leaves only the words in a notebook
        # that it does not trust. It has no page to take colours from.
        own = f'style="{OWN}"'
        data = b64encode(self._drawn(own).encode()).decode()
        size = f'width="{WIDTH}" height="{self.height:g}"'
        alt = escape(repr(self))
        return f'<img src="data:image/svg+xml;base64,{data}" alt="{alt}" {size}>'

    def _drawn(self, about: str, head: str = "") -> str:
        size = f'viewBox="0 0 {WIDTH} {self.height:g}" width="{WIDTH}"'
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} height="{self.height:g}" '
            f"{about}>{head}{''.join(self.parts)}</svg>"
        )
