"""The house style of the figures can be read in light and in dark mode."""

import io
import itertools
import subprocess
import sys
import warnings

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt

from rounds import figures
from rounds.root import course_root

LIGHT, DARK = "#ffffff", "#14171a"  # the pages' grounds: assets/rounds.css
# hue-rotate(180deg) as the CSS Filter Effects specification defines it.
HUE_ROTATE = np.array(
    [
        [-0.574, 1.430, 0.144],
        [0.426, 0.430, 0.144],
        [0.426, 1.430, -0.856],
    ]
)
# How people without red or without green receptors see linear colours
# (Machado, Oliveira and Fernandes 2009, severity 1).
VISIONS = {
    "full": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
}
TO_XYZ = np.array(
    [
        [0.4124, 0.3576, 0.1805],
        [0.2126, 0.7152, 0.0722],
        [0.0193, 0.1192, 0.9505],
    ]
)


def rgb(colour) -> np.ndarray:
    return np.array(mpl.colors.to_rgb(colour))


def linear(colour: np.ndarray) -> np.ndarray:
    low = colour / 12.92
    return np.where(colour <= 0.04045, low, ((colour + 0.055) / 1.055) ** 2.4)


def contrast(one: np.ndarray, other: np.ndarray) -> float:
    """The ratio of WCAG 2, from 1 to 21."""
    light, dark = sorted((TO_XYZ[1] @ linear(c) for c in (one, other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def in_dark_mode(colour: np.ndarray) -> np.ndarray:
    """The colour under the stylesheet's invert(1) hue-rotate(180deg)."""
    return np.clip(HUE_ROTATE @ (1 - colour), 0, 1)


def lab(linear_colour: np.ndarray) -> np.ndarray:
    x, y, z = TO_XYZ @ np.clip(linear_colour, 0, 1) / TO_XYZ.sum(axis=1)
    f = [np.cbrt(t) if t > 0.008856 else 7.787 * t + 16 / 116 for t in (x, y, z)]
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.fixture(autouse=True)
def house_style():
    with mpl.rc_context():
        mpl.use("agg")
        figures.use_style()
        yield
        plt.close("all")


def png_of_a_plot() -> bytes:
    fig, ax = plt.subplots()
    for power in range(4):
        ax.plot([1, 2, 3, 4], [n**power for n in (1, 2, 3, 4)], label=f"n ** {power}")
    ax.set(xlabel="n", ylabel="power", yscale="log")
    ax.legend()
    file = io.BytesIO()
    fig.savefig(file, format="png", bbox_inches="tight")
    return file.getvalue()


def test_text_and_axes_reach_a_contrast_of_4_5_in_light_and_dark_mode():
    for key in ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color"):
        colour = rgb(mpl.rcParams[key])
        assert contrast(colour, rgb(LIGHT)) >= 4.5, key
        assert contrast(in_dark_mode(colour), rgb(DARK)) >= 4.5, key


def test_no_single_grey_could_do_without_the_dark_mode_rule():
    greys = [np.full(3, level / 255) for level in range(256)]
    best = max(min(contrast(g, rgb(LIGHT)), contrast(g, rgb(DARK))) for g in greys)
    assert round(best, 2) == 4.23  # as rounds/figures.py says


def test_stylesheet_turns_figures_over_in_dark_mode():
    text = "".join(p.read_text() for p in (course_root() / "assets").rglob("*.css"))
    assert "invert(1) hue-rotate(180deg)" in text


def test_every_line_colour_reaches_a_contrast_of_3_in_light_and_dark_mode():
    for name, colour in figures.COLOURS.items():
        assert contrast(rgb(colour), rgb(LIGHT)) >= 3, name
        assert contrast(in_dark_mode(rgb(colour)), rgb(DARK)) >= 3, name


@pytest.mark.parametrize("vision", VISIONS)
def test_line_colours_differ_also_for_the_colour_blind(vision):
    see = VISIONS[vision]
    for one, other in itertools.combinations(figures.COLOURS.values(), 2):
        for mode in (lambda colour: colour, in_dark_mode):
            seen = [lab(see @ linear(mode(rgb(c)))) for c in (one, other)]
            # A difference of 2.3 can just be noticed.
            assert np.linalg.norm(seen[0] - seen[1]) > 12, (one, other)


def test_lines_differ_without_any_colour():
    styles = [entry["linestyle"] for entry in mpl.rcParams["axes.prop_cycle"]]
    assert len(set(styles)) == len(styles) == len(figures.COLOURS)


def test_letters_are_ten_pixels_high_on_a_phone():
    width = mpl.rcParams["figure.figsize"][0]
    sizes = [mpl.rcParams[key] for key in ("font.size", "xtick.labelsize")]
    assert min(sizes) * 350 / (72 * width) >= 10


def test_figure_is_transparent_small_and_the_same_twice():
    first, second = png_of_a_plot(), png_of_a_plot()
    assert first == second
    assert len(first) < 60_000
    assert plt.imread(io.BytesIO(first))[0, 0, 3] == 0


def test_heat_map_shows_nothing_as_clear_and_the_least_something_as_seen():
    shades = mpl.colormaps[mpl.rcParams["image.cmap"]]
    opacity = shades(np.linspace(0, 1, 51))[:, 3]
    assert opacity[0] == 0
    assert opacity[1] >= 0.1
    assert (np.diff(opacity) >= 0).all()


def test_style_does_not_depend_on_what_was_set_before():
    mpl.rcParams["axes.titlesize"] = 40
    mpl.rcParams["lines.marker"] = "x"
    with warnings.catch_warnings(action="error"):
        figures.use_style()
    assert mpl.rcParams["axes.titlesize"] == 12
    assert mpl.rcParams["lines.marker"] == "None"


def test_importing_figures_does_not_import_matplotlib():
    code = "import sys, rounds.figures; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
