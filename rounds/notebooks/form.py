"""Notebooks as data: their normal form, their faults, and how two differ.

Nothing here touches a file or a kernel. Throughout, `where` is the notebook's name
as a message gives it, such as "chapters/attention.ipynb".
"""

import ast
import json
import re
from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from itertools import zip_longest

import nbformat
from nbformat import NotebookNode

from rounds.notebooks.pictures import is_png, plain, same_picture

REBUILD = "run python -m rounds.build"

_KERNELSPEC = {
    "display_name": "Python 3 (ipykernel)",
    "language": "python",
    "name": "python3",
}
_LANGUAGE = {"name": "python", "pygments_lexer": "ipython3"}
_KEYS = {"cell_type", "metadata", "source"}
# What editors and runs leave behind: the state of a window, the time of a run.
_LEFT_BEHIND = {
    *("ExecuteTime", "collapsed", "colab", "deletable", "editable", "execution"),
    *("papermill", "scrolled", "signature", "slideshow", "toc", "trusted", "vscode"),
}
_WIDGETS = "application/vnd.jupyter.widget-state+json"
_PNG = "image/png"
# Texts that cannot be the same on the next run or the next machine.
_UNSTABLE = {
    "a path of one machine": re.compile(
        r"(?<![\w.:/-])(?:/(?:home|Users|root|tmp|private|var|usr|opt|mnt|work|workspace)"
        r"/[\w.@-]|~/[\w.]|[A-Za-z]:\\{1,2}Users)[^\s'\"<>]*"
    ),
    "a memory address": re.compile(r"\bat 0x[0-9a-fA-F]{6,}"),
    "a warning": re.compile(r"\S+:\d+: \w*Warning: .*"),
}


class Refused(ValueError):
    """A notebook that cannot be built; the sentence says which, where and why."""


def label(cell: NotebookNode, index: int) -> str:
    """The words "cell 3 (code-2)": the place, counted from 1, and the id."""
    return f"cell {index + 1} ({cell.get('id', 'without an id')})"


def parse(text: str, where: str) -> NotebookNode:
    """The notebook that a file's text holds. Raises Refused if it holds none."""
    try:
        nb = nbformat.v4.reads(text)
        # Ids are not asked for: older editors write none, and normal form sets them.
        if nb.nbformat == 4 and all(_KEYS <= cell.keys() for cell in nb.cells):
            return nb
    except (ValueError, AttributeError, TypeError, KeyError):
        pass
    raise Refused(f"{where}: not a notebook of format 4.")


def blank(nb: NotebookNode) -> NotebookNode:
    """A copy without outputs, counts and widget state, so that none is stale."""
    nb = deepcopy(nb)
    nb.metadata.pop("widgets", None)
    for cell in nb.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return nb


def with_outputs(nb: NotebookNode, stored: NotebookNode) -> NotebookNode:
    """A copy with the outputs and counts of `stored`, cell by cell in its order."""
    nb = deepcopy(nb)
    ran = [cell for cell in stored.cells if cell.cell_type == "code"]
    cells = [cell for cell in nb.cells if cell.cell_type == "code"]
    for cell, old in zip(cells, ran, strict=False):
        cell.outputs, cell.execution_count = old.outputs, old.execution_count
    return nb


def shows_pictures(nb: NotebookNode) -> bool:
    """True if an output is more than words: nbval compares no pictures and widgets."""
    outputs = [o for cell in nb.cells for o in cell.get("outputs", [])]
    kinds = {kind for output in outputs for kind in output.get("data", {})}
    return "widgets" in nb.metadata or bool(kinds - {"text/plain", "text/html"})


def normalise(nb: NotebookNode) -> NotebookNode:
    """A copy in normal form: of all that may vary between two runs, nothing is left."""
    nb = _with_fixed_widget_ids(deepcopy(nb))
    nb.nbformat, nb.nbformat_minor = 4, 5
    _drop_left_behind(nb.metadata)
    nb.metadata.update(kernelspec=_KERNELSPEC, language_info=_LANGUAGE)
    counts: Counter[str] = Counter()
    for cell in nb.cells:
        counts[cell.cell_type] += 1
        cell.id = f"{cell.cell_type}-{counts[cell.cell_type]}"
        _drop_left_behind(cell.metadata)
        if cell.metadata.get("tags") == []:
            del cell.metadata["tags"]
        if cell.cell_type == "code":
            cell.outputs = _normal_outputs(cell)
    return nbformat.from_dict(nb)


def as_text(nb: NotebookNode) -> str:
    """The file's text: sorted keys, one line feed at the end."""
    nbformat.validate(nb)
    return nbformat.writes(nb).rstrip("\n") + "\n"


def _drop_left_behind(metadata: NotebookNode) -> None:
    for key in _LEFT_BEHIND & metadata.keys():
        del metadata[key]


def _normal_outputs(cell: NotebookNode) -> list[NotebookNode]:
    outputs: list[NotebookNode] = []
    for output in cell.outputs:
        last = outputs[-1] if outputs else {}
        stream = output.get("name")
        if stream and stream == last.get("name"):
            # How prints are cut into messages is a matter of time.
            last.text += output.text
            continue
        if output.output_type == "execute_result":
            output.execution_count = cell.execution_count
        if output.output_type == "error":
            # Frames differ between versions of Python and show where it lies.
            output.traceback = [f"{output.ename}: {output.evalue}"]
        if _PNG in output.get("data", {}):
            output.data[_PNG] = plain(output.data[_PNG])
        outputs.append(output)
    return outputs


def _with_fixed_widget_ids(nb: NotebookNode) -> NotebookNode:
    """Widget models renamed in order of creation: their own ids are random."""
    state = nb.metadata.get("widgets", {}).get(_WIDGETS, {}).get("state", {})
    text = json.dumps(nb)
    for number, model in enumerate(state, start=1):
        text = text.replace(model, f"widget-{number:04d}")
    return nbformat.from_dict(json.loads(text))


def problems(nb: NotebookNode, where: str) -> list[str]:
    """What is wrong with an executed notebook, a sentence each, in reading order."""
    found = []
    counts = [c.execution_count for c in nb.cells if c.cell_type == "code"]
    if set(counts) == {None}:
        return [f"{where}: never executed; {REBUILD}"]
    if None not in counts and counts != list(range(1, len(counts) + 1)):
        found.append(
            f"{where}: execution counts are {', '.join(map(str, counts))} and not 1 to"
            f" {len(counts)}, so it was not executed in order; {REBUILD}"
        )
    for index, cell in enumerate(nb.cells):
        if cell.cell_type == "code":
            place = f"{where}: {label(cell, index)}"
            found += [f"{place}: {fault}" for fault in _cell_problems(cell)]
    return found


def _cell_problems(cell: NotebookNode) -> Iterator[str]:
    if not cell.source.strip():
        yield "empty, so nbval would skip it; write a comment in it or delete it"
    elif cell.execution_count is None:
        yield f"no execution count, so nbval would skip it; {REBUILD}"
    pictures = [
        kind for o in cell.outputs for kind in o.get("data", {}) if "image/" in kind
    ]
    if pictures and not cell.metadata.get("mystnb", {}).get("image", {}).get("alt"):
        yield "a picture without alt text; set metadata mystnb.image.alt"
    if not pictures and _shows_a_plot(cell.source):
        yield f"plt.show() but no picture among the outputs; {REBUILD}"
    if "image/svg+xml" in pictures:
        yield "an SVG picture, which no two runs write alike; show a PNG"
    for output in cell.outputs:
        if output.get("name") == "stderr":
            yield f"text on stderr: {_first_line(output.text)}"
        expected = "raises-exception" in cell.metadata.get("tags", [])
        if output.output_type == "error" and not expected:
            yield f"raised {output.ename}: {_first_line(output.evalue)}"
        if _PNG in output.get("data", {}) and not is_png(output.data[_PNG]):
            yield f"a picture that is no PNG; {REBUILD}"
        text = _text(output)
        for what, pattern in _UNSTABLE.items():
            if match := pattern.search(text):
                yield f"{what} in the output: {match[0][:120]}"


def _text(output: NotebookNode) -> str:
    data = output.get("data", {})
    texts = [text for kind, text in data.items() if kind.startswith("text/")]
    texts += [output.get("text", ""), output.get("evalue", "")]
    return "\n".join([*texts, *output.get("traceback", [])])


def _first_line(text: str) -> str:
    return (text.strip().splitlines() or [""])[0][:120]


def _shows_a_plot(source: str) -> bool:
    """True if the cell itself calls plt.show(), not only a function it defines."""
    flags = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    try:
        pending: list[ast.AST] = [compile(source, "<cell>", "exec", flags)]
    except SyntaxError:  # an IPython command
        return bool(re.search(r"^plt\.show\(", source, re.MULTILINE))
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "plt.show":
            return True
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            pending += ast.iter_child_nodes(node)
    return False


def settle(new: NotebookNode, committed: NotebookNode) -> NotebookNode:
    """A copy of `new` with the committed pictures wherever they show the same.

    So another machine or Python changes no byte of a figure that looks the same.
    """
    new = deepcopy(new)
    before = {cell.source: cell.get("outputs", []) for cell in committed.cells}
    for cell in new.cells:
        for output, old in zip(
            cell.get("outputs", []), before.get(cell.source, []), strict=False
        ):
            data, old_data = output.get("data", {}), old.get("data", {})
            if _PNG in data and _PNG in old_data:
                if same_picture(data[_PNG], old_data[_PNG]):
                    data[_PNG] = old_data[_PNG]
    return new


def difference(committed: NotebookNode, new: NotebookNode) -> str:
    """In a few words, where the committed notebook first departs from the new one."""
    for index, (old, due) in enumerate(zip_longest(committed.cells, new.cells)):
        if old is None or due is None:
            return f"{len(committed.cells)} cells where {len(new.cells)} are due"
        place = label(due, index)
        if (old.cell_type, old.source) != (due.cell_type, due.source):
            return f"{place}: another source"
        if old.get("outputs") != due.get("outputs"):
            return f"{place}: stale output{_first_departure(old, due)}"
        if old.get("execution_count") != due.get("execution_count"):
            return f"{place}: execution count {old.execution_count}"
        if old.metadata != due.metadata:
            return f"{place}: other metadata"
    if committed.metadata.get("widgets") != new.metadata.get("widgets"):
        return "stale widgets"
    return "not in normal form"


def _first_departure(old: NotebookNode, due: NotebookNode) -> str:
    """The first line of text in which two cells' outputs differ, if there is one."""
    texts = ["\n".join(map(_text, cell.outputs)).splitlines() for cell in (old, due)]
    for was, now in zip_longest(*texts, fillvalue=""):
        if was != now:
            return f", {was.strip()[:60]!r} where a run gives {now.strip()[:60]!r}"
    return ""
