"""What makes the pages light: a font of few icons, a smaller widget script, small PNGs.

As they come, the theme's icons weigh 700 KB on each page, the widgets' script has the
widgets of an older version beside the new ones, and the figures are in full colour.
benchmarks/pages.py weighs what a browser is sent.
"""

import json
import re
from importlib.resources import files
from pathlib import Path

from fontTools import subset
from PIL import Image

from rounds.site import SiteError

# The icons that the templates of the themes name on the pages of this book. One that
# is missing is still drawn, from the theme's own font of 156 KB.
ICONS = (
    "angle-left",
    "angle-right",
    "arrow-up",
    "bars",
    "chevron-down",
    "circle-half-stroke",
    "expand",
    "list",
    "magnifying-glass",
    "moon",
    "print",
    "sun",
    "xmark",
)
# Those that its style sheet sets by itself, before a note or a link for instance.
IN_STYLES = re.compile(r'--pst-icon-[\w-]+:\s*"(?:\\([0-9a-f]{4})|(.))"')

# Widgets of ipywidgets 7, which no page of this book has.
OLD_WIDGETS = ("@jupyter-widgets/base7", "@jupyter-widgets/controls7")
# The maps from the style sheets in the script to their sources, for its makers.
SOURCE_MAP = re.compile(
    r',"",\{version:3,sources:\[[^\]]*\],names:\[\],mappings:"[^"]*"'
    r"""(?:,sourcesContent:\[(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'"""
    r'|`(?:[^`\\]|\\.)*`|,)*\])?,sourceRoot:""\}'
)
# An older font of icons, for buttons that no explorer has; the theme's would follow it.
OLD_ICONS = re.compile(
    r"""`/\*!\\n \* Font Awesome(?:[^`\\]|\\.)*`"""
    r"""|'/\*!\\n \* Font Awesome(?:[^'\\]|\\.)*'"""
)
# The rules of the theme's icons by name, 1,400 of them; those of ICONS are kept.
ICON_RULE = re.compile(r"""(?:\.fa-[\w-]+:before,?)+\{content:["'][^"']*["']\}""")
STATE = re.compile(
    r'(<script type="application/vnd\.jupyter\.widget-state\+json">)(.*?)(</script>)',
    re.DOTALL,
)
COLOURS = 256


def icon_font(target: Path) -> None:
    """Write the icons in use as `target`, a WOFF font. Raises SiteError."""
    static = files("pydata_sphinx_theme") / "theme/pydata_sphinx_theme/static"
    styles = (static / "styles/pydata-sphinx-theme.css").read_text(encoding="utf-8")
    options = subset.Options(flavor="woff", recalc_timestamp=False)
    source = static / "vendor/fontawesome/webfonts/fa-solid-900.ttf"
    font = subset.load_font(str(source), options)
    cut = subset.Subsetter(options)
    cut.populate(unicodes=icon_codes(styles))
    cut.subset(font)
    target.parent.mkdir(parents=True, exist_ok=True)
    subset.save_font(font, str(target), options)


def icon_codes(styles: str) -> list[int]:
    """The code points of the icons in use, by the theme's style sheet."""
    named = re.findall(r'([^{}]+)\{content:"(?:\\([0-9a-f]{1,4})|(.))"\}', styles)
    by_name = {
        name: int(code, 16) if code else ord(sign)
        for names, code, sign in named
        for name in re.findall(r"\.fa-([\w-]+):before", names)
    }
    missing = [name for name in ICONS if name not in by_name]
    if missing:
        raise SiteError(f"The theme has no icon of the name {missing[0]} any more.")
    styled = [int(c, 16) if c else ord(s) for c, s in IN_STYLES.findall(styles)]
    return sorted({*(by_name[name] for name in ICONS), *styled})


def widget_script(text: str) -> str:
    """html-manager's embed-amd.js without what no page needs. Raises SiteError.

    It holds one AMD module after another; the old widgets' are asked for by name, and
    only where a page has one.
    """
    modules = re.split(r'(?=\bdefine\("@jupyter-widgets/)', text)
    kept = [
        module
        for module in modules
        if not module.startswith(tuple(f'define("{name}"' for name in OLD_WIDGETS))
    ]
    light, maps = SOURCE_MAP.subn("", "".join(kept))
    light, fonts = OLD_ICONS.subn("''", light)
    if len(modules) - len(kept) != len(OLD_WIDGETS) or not maps or not fonts:
        raise SiteError(
            "html-manager's script is not made as it was: see what "
            "rounds/site/lighter.py leaves out of it."
        )
    return light


def styles(text: str) -> str:
    """The theme's style sheet with the rules of no other icons than ICONS."""
    ours = re.compile("|".join(rf"\.fa-{name}:before" for name in ICONS))
    return ICON_RULE.sub(lambda it: it[0] if ours.search(it[0]) else "", text)


def page(html: str) -> str:
    """A page whose widgets' state has its letters as they are, not as \\u0000."""

    def plain(found: re.Match[str]) -> str:
        state = json.dumps(json.loads(found[2]), ensure_ascii=False)
        return found[1] + state.replace("</", r"<\/") + found[3]

    return STATE.sub(plain, html)


def site(html: Path) -> None:
    """Make the built pages in `html` light."""
    pictures(html / "_images")
    sheet = html / "_static" / "styles" / "pydata-sphinx-theme.css"
    for path, change in [(sheet, styles), *((it, page) for it in html.rglob("*.html"))]:
        before = path.read_text(encoding="utf-8")
        after = change(before)
        if after != before:
            path.write_text(after, encoding="utf-8", newline="\n")


def pictures(folder: Path) -> None:
    """Write the PNGs of a folder with a palette where that makes them smaller."""
    for path in sorted(folder.glob("*.png")):
        with Image.open(path) as picture:
            few = picture.convert("RGBA").quantize(
                COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE
            )
        lighter = path.with_suffix(".lighter")
        few.save(lighter, format="PNG", optimize=True)
        if lighter.stat().st_size < path.stat().st_size:
            lighter.replace(path)
        else:
            lighter.unlink()
