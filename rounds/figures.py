"""The house style of the figures: set once here, imported by notebooks only.

A figure is drawn dark on a transparent ground. On a light page it stands as drawn; in
dark mode the site's stylesheet turns its lightness over and keeps its hue
(`invert(1) hue-rotate(180deg)`), because no single grey reaches a contrast of 4.5 on
both white and #14171a: 4.23 is the most that their distance allows. Editors without
that rule lay a light card under a transparent figure.
"""

# Of the colours that Okabe and Ito chose for every kind of colour vision, those that
# keep a contrast of 3 on white; in dark mode they keep it too.
COLOURS = {
    "blue": "#0072B2",
    "vermillion": "#D55E00",
    "green": "#009E73",
    "purple": "#CC79A7",
}
TEXT = "#333333"
GRID = "#B3B3B3"
_LINES = ["-", "--", "-.", ":"]
# For heat maps: nothing is clear, so that the page shows through, and the least
# something is seen. Place on the scale, red, green, blue and opacity.
_SHADES = [
    (0.00, (0.0, 0.447, 0.698, 0.0)),
    (0.01, (0.0, 0.447, 0.698, 0.1)),
    (0.50, (0.0, 0.447, 0.698, 0.65)),
    (1.00, (0.0, 0.220, 0.400, 1.0)),
]


def use_style() -> None:
    """Set matplotlib's defaults to the house style, for every figure that follows."""
    # Slow to import, and only a page with figures needs it.
    import matplotlib as mpl
    from cycler import cycler
    from matplotlib.colors import LinearSegmentedColormap

    # matplotlib warns when a name is registered twice.
    if "rounds" not in mpl.colormaps:
        mpl.colormaps.register(LinearSegmentedColormap.from_list("rounds", _SHADES))
    mpl.rcdefaults()
    mpl.rcParams.update(
        {
            # 5.2 inches on a phone of 390 pixels leave a 12 point letter some 11 high.
            "figure.figsize": (5.2, 3.2),
            "figure.dpi": 120,
            "figure.constrained_layout.use": True,
            "font.size": 12,
            "axes.labelsize": 12,
            "axes.titlesize": 12,
            "xtick.labelsize": 11,
            "ytick.labelsize": 11,
            "legend.fontsize": 11,
            "legend.handlelength": 3.2,  # a dashed line and a dotted one look so
            # Transparent white: the backend reads it as "needs a light background".
            "figure.facecolor": (1, 1, 1, 0),
            "axes.facecolor": (1, 1, 1, 0),
            "savefig.facecolor": (1, 1, 1, 0),
            "text.color": TEXT,
            "axes.labelcolor": TEXT,
            "axes.edgecolor": TEXT,
            "xtick.color": TEXT,
            "ytick.color": TEXT,
            # Line styles differ too, so that a figure also reads without colour.
            "axes.prop_cycle": cycler(color=[*COLOURS.values()], linestyle=_LINES),
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "axes.axisbelow": True,
            "grid.color": GRID,
            "grid.linewidth": 0.6,
            "grid.alpha": 0.5,
            "lines.linewidth": 2,
            "legend.frameon": False,
            "image.cmap": "rounds",
            "svg.hashsalt": "rounds",
        }
    )
