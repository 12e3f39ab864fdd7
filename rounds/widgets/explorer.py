"""What the explorers share: the box that a cell returns, and their scripts."""

from pathlib import Path

import ipywidgets
from anywidget import AnyWidget

_HERE = Path(__file__).parent


def script(name: str) -> str:
    """The module of one explorer: what all share, then its own."""
    return _read("shared.js") + _read(f"{name}.js")


def style() -> str:
    """The style sheet of all explorers."""
    return _read("widgets.css")


def _read(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


class Explorer(ipywidgets.VBox):
    """Controls, and below them the drawing that they move.

    `words` say what it is; they are its text where no widget can be drawn (an editor
    shows it before the cell has been run), and all that nbval compares.
    `joined` names for each control its trait and the drawing's that follows it.
    """

    def __init__(
        self,
        words: str,
        drawing: AnyWidget,
        joined: list[tuple[ipywidgets.Widget, str, str]] | None = None,
    ) -> None:
        self.words = words
        controls = ipywidgets.HBox([control for control, _, _ in joined or []])
        super().__init__([controls, drawing] if joined else [drawing])
        controls.add_class("rounds-controls")
        self.add_class("rounds-explorer")
        self.joins = [
            ipywidgets.jslink((control, theirs), (drawing, ours))
            for control, theirs, ours in joined or []
        ]

    def __repr__(self) -> str:
        return f"{self.words}: run this cell to see it."


def choice(description: str, options: list[str], index: int) -> ipywidgets.Dropdown:
    """A list to choose one of `options` from; its trait `index` is to be joined."""
    return ipywidgets.Dropdown(description=description, options=options, index=index)


def one_of(name: str, value: object, known: list) -> int:
    """The place of `value` in `known`. Raises ValueError that lists them."""
    if value not in known:
        raise ValueError(
            f"{name}={value!r}: choose one of {', '.join(map(str, known))}"
        )
    return known.index(value)
