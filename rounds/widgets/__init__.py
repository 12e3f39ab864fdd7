"""Explorers to play with: in JupyterLab and on the static page, with no kernel.

    from rounds import widgets
    widgets.cache_sizing()

Each is an anywidget whose script does the arithmetic in the browser. Its sliders are
ipywidgets joined to it by `jslink`, which the browser alone carries out; `observe` and
`interact` would wait for a kernel that a web page has not.
"""

from rounds.widgets.sampling import sampling_explorer
from rounds.widgets.sizing import cache_sizing
from rounds.widgets.tokens import token_explorer

__all__ = ["cache_sizing", "sampling_explorer", "token_explorer"]
