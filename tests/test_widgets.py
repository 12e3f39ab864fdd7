"""The explorers: stored with a notebook, driven in a browser, compared with Python."""

import gzip
import json
import re
import shutil
import unicodedata
from copy import deepcopy
from itertools import product
from pathlib import Path

import nbformat
import numpy as np
import pytest
import regex
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from site_helpers import ROOT, off_host_in_html, parsed, started_browser
from site_visits import CONTRASTS, STICKING_OUT
from test_notebooks import nbval
from widget_helpers import PATTERN, Page, bpe, drawn, expected, learn, uniforms

from rounds import widgets
from rounds.build import main
from rounds.site import browser_files, build
from rounds.site.serve import served
from rounds.widgets import sampling, sizing, tokens

WIDGETS = "application/vnd.jupyter.widget-state+json"
VIEW = "application/vnd.jupyter.widget-view+json"

PROSE = (
    "The theme of the thing: she sells sea shells, and the shells she sells aren't "
    "cheap. Größe, naïve café, Ελλάδα, привет привет, 你好你好, नमस्ते, 12345 2024\n\n"
    "  indented\ttabs   and  blanks\u00a0hard 🙂🙂 👩‍👩‍👧 the end of the tale"
)
MERGES = learn(PROSE, 120)
TEXTS = [
    "",
    " ",
    "the shells aren't SHELLS",
    PROSE,
    "aaaa aaa aaaaaaaa",
    "tab\ttab\n\n\n  x   \n y \r\n",
    "hard\u00a0blank next\u0085line thin\u2009ideo\u3000line\u2028para\u2029end",
    "mark\ufeffmark \ufeff zero\u200bwidth wj\u2060 \u180e mongol",
    "unit\u001fsep\u001c\u001d\u001e x",
    "emoji 👩‍👩‍👧🙂🏳️‍🌈 e\u0301 é ½ Ⅷ ² ٣",
    "it's we'll I'd you're they've I'm don't 'S 'LL",
    "<|endoftext|> {x: 1} # $ %",
]


def test_generator_gives_the_published_numbers():
    # The stream of seed 1234567, as 64 bits without the last 11.
    published = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    assert uniforms(1234567, 3) == [(n >> 11) / 2**53 for n in published]


# The Python side


def decoded(dtype: str, scale: float, stored: bytes) -> np.ndarray:
    little = np.dtype(f"<{np.dtype(dtype).str[1:]}")
    planes = np.frombuffer(stored, np.uint8).reshape(little.itemsize, -1)
    return np.ascontiguousarray(planes.T).view(little)[:, 0] / scale


@pytest.mark.parametrize(
    ("logits", "dtype"),
    [
        ([1.5, -2.25, 0.0], "int16"),
        ([20.00390625, -20.5], "int16"),  # steps of 1/256
        ([40000.0, 1.0], "float32"),
        ([1 / 3, 2.0], "float64"),
        (np.array([1 / 3, 2.0], dtype=np.float32), "float32"),
    ],
)
def test_logits_are_stored_exactly_and_small(logits, dtype):
    stored = sampling.encode(np.asarray(logits))
    assert stored[0] == dtype
    assert (decoded(*stored) == np.asarray(logits, dtype=np.float64)).all()


def test_tokens_become_texts_on_one_line_each():
    found = [sampling.as_text(t) for t in (b" the", "caf\u00e9", b"\xe2\x80", b"a\x7f")]
    assert found == [" the", "café", "<E2 80>", "a\u2421"]


def test_texts_out_of_reach_are_left_out(monkeypatch):
    monkeypatch.setattr(sampling, "REACH", 2)
    logits = [np.array([0.0, 3.0, 1.0, 2.0]), np.array([0.0, 3.0, 2.0, 1.0])]
    assert sampling.within_reach(logits, "abcd") == ["", "b", "c", "d"]


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: widgets.sampling_explorer(np.ones(3), ["a", "b"]), "one of each"),
        (lambda: widgets.sampling_explorer({}, []), "no prompt"),
        (lambda: widgets.sampling_explorer([np.inf, 1], "ab"), "finite"),
        (lambda: widgets.sampling_explorer([1.0, 2], "ab", top_p=0), "top_p=0"),
        (lambda: widgets.sampling_explorer([1.0, 2], "ab", temperature=3), "0 to 2"),
        (lambda: widgets.cache_sizing(model="GPT-5"), "Llama 3 8B"),
        (lambda: widgets.cache_sizing(context=1000), "1024"),
        (lambda: widgets.cache_sizing(batch=0), "from 1 to 256"),
        (lambda: widgets.token_explorer([(b"ab", b"c")]), "merge 0 needs b'ab'"),
        (lambda: widgets.token_explorer([], text="a" * 401), "401 characters"),
    ],
)
def test_what_does_not_fit_is_refused(call, says):
    with pytest.raises(ValueError, match=says):
        call()


def test_words_of_an_explorer_are_one_line_whatever_its_ids():
    one, other = (repr(widgets.token_explorer(MERGES)) for _ in range(2))
    assert one == other == "Token explorer, 120 merges: run this cell to see it."


# vocabulary, width, query heads, width of the feed-forward layer, tied embeddings,
# biases of q, k and v: from the same config.json files as rounds/widgets/sizing.py.
CONFIGS = {
    "SmolLM2-135M": (49152, 576, 9, 1536, True, False),
    "Llama 2 7B": (32000, 4096, 32, 11008, False, False),
    "Llama 2 70B": (32000, 8192, 64, 28672, False, False),
    "Llama 3 8B": (128256, 4096, 32, 14336, False, False),
    "Llama 3.1 8B": (128256, 4096, 32, 14336, False, False),
    "Llama 3 70B": (128256, 8192, 64, 28672, False, False),
    "Mistral 7B v0.3": (32768, 4096, 32, 14336, False, False),
    "Qwen2.5 7B": (152064, 3584, 28, 18944, False, True),
}


@pytest.mark.parametrize("model", sizing.MODELS, ids=lambda model: model.name)
def test_parameters_of_a_model_are_what_its_shape_gives(model):
    vocab, width, heads, inner, tied, biased = CONFIGS[model.name]
    assert heads * model.head_dim == width
    kv = model.n_kv_heads * model.head_dim
    attention = 2 * width * width + 2 * width * kv + biased * (width + 2 * kv)
    layer = attention + 3 * width * inner + 2 * width  # two norms
    embeddings = vocab * width * (1 if tied else 2)
    assert model.n_parameters == embeddings + model.n_layers * layer + width


# In a notebook

SETUP = """\
import numpy as np

from rounds import widgets

rng = np.random.default_rng(5)
wide = rng.gumbel(size=(2, 49152)).round(2) * 1.7
wide[:, rng.integers(0, 49152, 40)] += rng.uniform(5, 9, 40)
texts = [f" t{i}" for i in range(49152)]
tied = np.array([3, 1, 3, 0, 1, 1, -2, 1, 0, 3], dtype=float)"""
CELLS = {
    "wide": "widgets.sampling_explorer({'one': wide[0], 'two': wide[1]}, texts)",
    "tied": "widgets.sampling_explorer(tied, [*'abcdefgh', b'\\xe2', ' \\n'], top_k=4)",
    "sizing": "widgets.cache_sizing()",
    "tokens": f"widgets.token_explorer({MERGES!r}, text={PROSE!r})",
}
SOLUTION = """\
def double(x):
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course of one topic whose chapter and solution have explorers, built once."""
    root = tmp_path_factory.mktemp("widgets")
    for room in ("chapters", "solutions", "exercises"):
        (root / room).mkdir()
    (root / "_toc.yml").write_text(
        "format: jb-book\nroot: index\nchapters:\n- file: chapters/explorers\n"
    )
    notebooks = {
        "chapters": [
            new_markdown_cell("# Explorers\n\nA formula beside them: $x^2$."),
            *map(new_code_cell, [SETUP, *CELLS.values()]),
        ],
        "solutions": [
            new_markdown_cell("# Double: solution"),
            new_code_cell(SOLUTION),
            new_code_cell("from rounds import widgets\n\nwidgets.cache_sizing()"),
        ],
    }
    for room, cells in notebooks.items():
        nbformat.write(new_notebook(cells=cells), root / room / "explorers.ipynb")
    assert main([], root) == 0
    return root


def notebook(root: Path, room: str):
    return nbformat.read(root / room / "explorers.ipynb", as_version=4)


def test_widget_state_is_stored_under_readable_ids(built):
    state = notebook(built, "chapters").metadata.widgets[WIDGETS].state
    assert list(state) == [f"widget-{n:04d}" for n in range(1, len(state) + 1)]
    models = {entry.model_name for entry in state.values()}
    assert {"AnyModel", "FloatSliderModel", "DropdownModel", "LinkModel"} <= models
    assert not re.search(r"\b[0-9a-f]{32}\b", json.dumps(state))


def test_every_explorer_has_its_view_and_one_line_of_text(built):
    cells = notebook(built, "chapters").cells[2:]
    assert len(cells) == len(CELLS)
    for cell in cells:
        (output,) = cell.outputs
        assert set(output.data) == {VIEW, "text/plain"}
        assert re.fullmatch(r"[\w ]+, [\d,]+ \w+: run .*\.", output.data["text/plain"])


def test_exercise_keeps_the_widgets_of_its_solution(built):
    exercise, solution = (notebook(built, room) for room in ("exercises", "solutions"))
    assert exercise.metadata.widgets == solution.metadata.widgets
    assert exercise.cells[2].outputs == solution.cells[2].outputs


def test_second_build_gives_the_same_bytes(built, tmp_path):
    copy = shutil.copytree(built, tmp_path / "course")
    for room in ("chapters", "solutions"):  # nothing of the first run may be leant on
        path = copy / room / "explorers.ipynb"
        bare = notebook(built, room)
        for cell in bare.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        del bare.metadata["widgets"]
        nbformat.write(bare, path)
    (copy / "exercises" / "explorers.ipynb").unlink()
    assert main([], copy) == 0
    for room in ("chapters", "solutions", "exercises"):
        name = f"{room}/explorers.ipynb"
        assert (copy / name).read_bytes() == (built / name).read_bytes(), name


def test_check_sees_a_changed_widget(built, tmp_path, capsys):
    copy = shutil.copytree(built, tmp_path / "course")
    for room in ("solutions", "exercises"):
        shutil.rmtree(copy / room)
    path = copy / "chapters" / "explorers.ipynb"
    text = path.read_text(encoding="utf-8")
    assert text.count('"top_k": 4') == 1
    path.write_text(text.replace('"top_k": 4', '"top_k": 5'), encoding="utf-8")
    assert main(["--check"], copy) == 1
    assert capsys.readouterr().err == (
        "chapters/explorers.ipynb: stale widgets; run python -m rounds.build\n"
    )


def test_nbval_compares_the_words_and_lets_the_ids_be(built, tmp_path):
    changed = notebook(built, "solutions")
    twin = deepcopy(changed.cells[2])
    twin.id = "twin"
    changed.cells.append(twin)
    (output,) = twin.outputs
    output.data["text/plain"] = output.data["text/plain"].replace("8 models", "9")
    nbformat.write(changed, tmp_path / "changed.ipynb")
    report = nbval(tmp_path, "-rA").stdout
    assert re.findall(r"^([A-Z]+) changed.ipynb::Cell (\d)", report, re.MULTILINE) == [
        ("PASSED", "0"),
        ("PASSED", "1"),
        ("FAILED", "2"),
    ]


# The scripts of a page


def test_lock_has_the_named_packages_and_none_that_they_ask_for():
    package = json.loads((ROOT / "package.json").read_text("utf-8"))
    named = package["dependencies"] | package["devDependencies"]
    lock = json.loads((ROOT / "package-lock.json").read_text("utf-8"))
    packages = lock["packages"]
    own = packages.pop("")
    assert own["dependencies"] | own["devDependencies"] == named
    found = {name.removeprefix("node_modules/"): p for name, p in packages.items()}
    assert {name: package["version"] for name, package in found.items()} == named
    for package in found.values():
        assert "integrity" in package and "dependencies" not in package


def test_lock_that_npm_wrote_is_cut_to_the_named_packages():
    entry = {"version": "1.0.0", "integrity": "sha512-x"}
    asking = entry | {"dependencies": {"b": "^1"}, "peerDependencies": {"c": "*"}}
    named = {"dependencies": {"a": "1.0.0"}}
    whole = {
        "lockfileVersion": 3,
        "packages": {"": named, "node_modules/b": entry, "node_modules/a": asking},
    }
    cut = browser_files.only_named(whole)
    assert cut == whole | {"packages": {"": named, "node_modules/a": entry}}
    assert "dependencies" in asking


# On the static page


@pytest.fixture(scope="module")
def html(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of that course, built as strictly as the real one."""
    book = tmp_path_factory.mktemp("book")
    for name in ("chapters", "solutions"):
        shutil.copytree(built / name, book / name)
    shutil.copytree(ROOT / "assets", book / "assets")
    (book / "rounds").symlink_to(ROOT / "rounds")
    shutil.copy(ROOT / "_config.yml", book)
    shutil.copy(built / "_toc.yml", book)
    (book / "index.md").write_text("# Title\n\nWords.\n")
    browser_files.copy(ROOT, book / "_build" / "browser")
    build.run_jupyter_book(book)
    return book / "_build" / "html"


def test_page_scripts_are_on_pages_with_widgets_only(html):
    scripts = {
        page: [str(s["src"]) for s in parsed(html / page).select("script[src]")]
        for page in ("index.html", "chapters/explorers.html")
    }
    wanted = ["require.js", "setup.js", "embed-amd.js"]
    found = [re.search(r"widgets/([\w.-]+)", s) for s in scripts[list(scripts)[1]]]
    assert [match[1] for match in found if match] == wanted
    assert "widgets/" not in " ".join(scripts["index.html"])
    assert off_host_in_html(parsed(html / "chapters/explorers.html")) == []


def test_page_and_its_widget_scripts_are_small_on_the_wire(html):
    files = [html / "chapters/explorers.html", *(html / "_static/widgets").iterdir()]
    assert len(files) == 5
    assert sum(len(gzip.compress(file.read_bytes())) for file in files) <= 1_500_000


@pytest.fixture(scope="module")
def address(html: Path):
    """Where the page with the explorers is served."""
    with served(html) as where:
        yield f"{where}/chapters/explorers.html"


@pytest.fixture(scope="module")
def browser():
    """One browser for all tests."""
    with started_browser() as started:
        yield started


@pytest.fixture(scope="module")
def page(browser, address: str):
    """One page for all tests that drive it, quiet to the end."""
    page = Page(browser, address, list(CELLS))
    yield page
    assert page.complaints == []


@pytest.fixture(scope="module")
def logits() -> dict[str, np.ndarray]:
    """The same arrays as the notebook's."""
    names: dict = {}
    exec(SETUP, names)
    return {"wide": names["wide"], "tied": names["tied"]}


def assert_shown(page: Page, name: str, logits: np.ndarray) -> dict:
    """Bars, figures and draws are what Python says of the settings shown."""
    (shown,) = page.data(name)
    settings = {
        **{key: float(shown[key]) for key in ("temperature", "top_p", "min_p")},
        "top_k": int(shown["top_k"]),
    }
    probs, kept, before = expected(logits, **settings)
    bars = page.data(name, ".rounds-w-bars > li")
    order = np.argsort(-logits, kind="stable")
    assert [int(bar["id"]) for bar in bars] == order[:20].tolist()
    assert [bar["kept"] == "true" for bar in bars] == kept[order[:20]].tolist()
    found = np.array([[bar["probability"], bar["before"]] for bar in bars], dtype=float)
    due = np.stack([probs, before], axis=1)[order[:20]]
    np.testing.assert_allclose(found, due, rtol=0, atol=1e-9)
    assert int(shown["kept"]) == kept.sum() and kept[order[: kept.sum()]].all()
    bits = -sum(p * np.log2(p) for p in probs[probs > 0])
    assert float(shown["entropy"]) == pytest.approx(bits, abs=1e-9)
    assert float(shown["mass"]) == pytest.approx(before[kept].sum(), abs=1e-9)
    seed = int(page.explorer(name).get_by_label("seed").input_value())
    ids = [int(one["id"]) for one in page.data(name, ".rounds-w-draws > li")]
    assert ids == drawn(logits, seed, 30, **settings)
    return settings


def test_bars_follow_the_keyboard(page, logits):
    page.set("wide")
    handle = page.handle("wide", "temperature")
    handle.focus()
    for key in ("ArrowLeft", "ArrowLeft", "ArrowLeft"):
        handle.press(key)
    page.handle("wide", "top-p").press("ArrowLeft")
    settings = assert_shown(page, "wide", logits["wide"][0])
    assert settings["temperature"] == pytest.approx(0.85)
    assert settings["top_p"] == pytest.approx(0.99)


def test_bars_follow_while_a_slider_is_dragged(page, logits):
    page.set("wide", top_p=0.9)
    handle = page.handle("wide", "temperature")
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.tab.mouse.move(x, y)
    page.tab.mouse.down()
    seen = []
    for step in (20, 45, -30):
        page.tab.mouse.move(x + step, y, steps=3)
        seen.append(assert_shown(page, "wide", logits["wide"][0])["temperature"])
    page.tab.mouse.up()
    assert len(set(seen)) == 3


def test_bars_at_every_edge(page, logits):
    for name, settings in product(
        ("wide", "tied"),
        [
            {"temperature": 0},
            {"temperature": 0, "top_k": 5, "top_p": 0.01, "min_p": 1},
            {"top_k": 1},
            {"temperature": 2, "top_k": 100},
            {"temperature": 0.3, "top_p": 0.01},
            {"temperature": 1.7, "top_p": 0.9, "min_p": 0.02},
            {"top_k": 7, "top_p": 0.8, "min_p": 1},
        ],
    ):
        page.set(name, **settings)
        array = logits["wide"][0] if name == "wide" else logits["tied"]
        shown = assert_shown(page, name, array)
        due = {"temperature": 1, "top_k": 0, "top_p": 1, "min_p": 0} | settings
        assert shown == pytest.approx(due, rel=1e-12)  # 0.9 comes as 89 steps of 0.01


def test_other_prompt_and_other_seeds_are_drawn(page, logits):
    explorer = page.explorer("wide")
    page.set("wide", temperature=1.5)
    explorer.locator("select").select_option("two")
    assert_shown(page, "wide", logits["wide"][1])
    before = page.data("wide", ".rounds-w-draws > li")
    explorer.get_by_role("button", name="Draw again").press("Enter")
    assert_shown(page, "wide", logits["wide"][1])
    assert explorer.get_by_label("seed").input_value() == "1"
    assert page.data("wide", ".rounds-w-draws > li") != before
    explorer.get_by_label("seed").fill("20261123")
    explorer.get_by_label("seed").press("Enter")
    assert_shown(page, "wide", logits["wide"][1])
    explorer.get_by_label("seed").fill("-1")
    explorer.get_by_label("seed").press("Enter")
    assert explorer.get_by_label("seed").input_value() == "20261123"
    explorer.locator("select").select_option("one")


def test_removed_tokens_are_told_apart_in_words(page):
    page.set("tied", top_k=4)
    page.drawn()
    rows = page.explorer("tied").locator(".rounds-w-bars > li").all_inner_texts()
    assert [row.endswith("removed") for row in rows] == 4 * [False] + 6 * [True]
    # Of the tied tokens the lowest ids: three of 3, then the first of 1.
    kept = [row["id"] for row in page.data("tied", ".rounds-w-bars > [data-kept=true]")]
    assert kept == ["0", "2", "9", "1"]
    assert "<E2>" in " ".join(rows) and "\u2423\u23ce" in " ".join(rows)


def test_kept_sets_are_exact_for_many_settings(page):
    rng = np.random.default_rng(11)
    flat, steps = np.zeros(8), np.array([0.0] * 3 + [-1.0] * 4 + [-40.0])
    arrays = [flat, steps, rng.integers(-3, 4, 30).astype(float)]
    arrays += [rng.normal(scale=s, size=n) for s, n in ((1, 50), (6, 200), (0.1, 99))]
    grid = product(
        arrays, (0, 0.05, 0.7, 1, 2), (0, 1, 4, 300), (0.01, 0.5, 0.9, 1), (0, 0.1, 1)
    )
    cases = [
        {"logits": a.tolist(), "temperature": t, "top_k": k, "top_p": p, "min_p": m}
        for a, t, k, p, m in grid
    ]
    found = page.call(
        "sampling",
        """(script, one) => {
          const ids = script.ranked(one.logits);
          const sorted = Array.from(ids, id => one.logits[id]);
          const {kept, weights, sums} = script.filter(sorted, one);
          const total = sums[kept - 1];
          return Array.from(ids.slice(0, kept), (id, i) => [id, weights[i] / total]);
        }""",
        cases,
    )
    assert len(found) == 1440
    for case, pairs in zip(cases, found, strict=True):
        probs, kept, _ = expected(**case)
        ids = [pair[0] for pair in pairs]
        assert sorted(ids) == np.flatnonzero(kept).tolist(), case
        due = probs[ids]
        np.testing.assert_allclose([pair[1] for pair in pairs], due, rtol=0, atol=1e-9)


def test_sizes_are_python_s_whole_numbers(page):
    explorer = page.explorer("sizing")
    lists = {
        name: explorer.get_by_label(name).or_(
            explorer.locator(f"xpath=.//label[.='{name}']/following-sibling::select")
        )
        for name in ("model", "GPU memory", "cache in", "weights in")
    }
    page.handle("sizing", "context").focus()
    for turn, model in enumerate(sizing.MODELS):
        cache, weights = turn % 4, (turn * 3 + 1) % 4
        memory = list(sizing.MEMORIES)[turn % 7]
        lists["model"].first.select_option(model.name)
        lists["GPU memory"].first.select_option(index=turn % 7)
        lists["cache in"].first.select_option(index=cache)
        lists["weights in"].first.select_option(index=weights)
        page.handle("sizing", "context").press("ArrowRight" if turn < 6 else "Home")
        page.type("sizing", "batch", batch := 1 + turn * 31)
        (shown,) = page.data("sizing")
        context = int(shown["context"])
        assert context == (8192 * 2 ** (turn + 1) if turn < 6 else 512)
        bits = [32, 16, 8, 4]
        elements = 2 * model.n_layers * model.n_kv_heads * model.head_dim
        per_sequence = elements * context * bits[cache] // 8
        weight_bytes = model.n_parameters * bits[weights] // 8
        room = memory * 10**9 - weight_bytes
        assert int(shown["perToken"]) == elements * bits[cache] // 8
        assert int(shown["cache"]) == per_sequence * batch
        assert int(shown["weights"]) == weight_bytes
        assert int(shown["largest"]) == max(0, room // per_sequence)
        assert (shown["fits"] == "true") == (per_sequence * batch <= room)
        crossing = int(shown["crossing"]) * elements * bits[cache] // 8 * batch
        assert crossing > weight_bytes >= crossing - elements * bits[cache] // 8 * batch


def test_context_is_chosen_and_cannot_be_typed(page):
    handle = page.handle("sizing", "context")
    readout = page.explorer("sizing").locator(".rounds-listed .widget-readout")
    editable = "shown => shown.isContentEditable"
    assert readout.evaluate(editable) is False
    handle.focus()
    for key in ("Home", "ArrowRight"):  # the view makes it editable at each change
        handle.press(key)
        page.drawn()
        assert readout.evaluate(editable) is False
    assert readout.inner_text() == "1,024"


def test_verdict_says_what_it_takes_and_what_there_is(page):
    page.handle("sizing", "context").press("End")
    page.type("sizing", "batch", 256)
    page.drawn()
    verdict = page.explorer("sizing").locator("[data-part=verdict]").inner_text()
    takes = re.match(r"It does not fit: it takes (\S+ TiB), and the GPU has", verdict)
    assert takes, verdict


def test_sizes_of_the_published_models(page):
    shapes = {m.name: m for m in sizing.MODELS}
    cases = [("Llama 2 7B", 4096), ("Llama 3 8B", 8192), ("Llama 2 70B", 4096)]
    found = page.call(
        "sizing",
        """(script, [shape, context]) => {
          const bits = {cacheBits: 16, weightBits: 16};
          const chosen = {context, batch: 1, memoryGB: 80, ...bits};
          const {perToken, cache} = script.sizes(shape, chosen);
          return [script.inBytes(perToken), script.inBytes(cache)];
        }""",
        [[vars(shapes[name]), context] for name, context in cases],
    )
    assert found == [
        ["512 KiB", "2 GiB"],
        ["128 KiB", "1 GiB"],
        ["320 KiB", "1.25 GiB"],
    ]


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_ids_are_those_of_a_slow_tokenizer_at_every_step(page, text):
    explorer = page.explorer("tokens")
    explorer.get_by_label("Your text").evaluate(
        "(box, text) => { box.value = text; box.dispatchEvent(new Event('input')); }",
        text,
    )
    explorer.get_by_role("button", name="All merges").evaluate("one => one.click()")
    (shown,) = page.data("tokens")
    # A text box has no carriage returns: it gives line feeds for them.
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    ids, steps = bpe(text, MERGES)
    assert [int(i) for i in shown["ids"].split()] == ids
    assert (int(shown["step"]), int(shown["steps"])) == (steps, steps)
    slider = explorer.get_by_role("slider", name="merges done")
    for step in range(min(steps, 6)):
        slider.fill(str(step))
        (shown,) = page.data("tokens")
        assert [int(i) for i in shown["ids"].split()] == bpe(text, MERGES, step)[0]


def test_steps_by_button_and_keyboard(page):
    explorer = page.explorer("tokens")
    explorer.get_by_label("Your text").fill("the shells she sells")
    button = {
        name: explorer.get_by_role("button", name=name)
        for name in ("Bytes", "Back", "Next merge", "All merges")
    }
    _, steps = bpe("the shells she sells", MERGES)
    assert steps > 3
    seen = []
    if button["Bytes"].is_enabled():
        button["Bytes"].press("Enter")
    for press in (
        lambda: button["Next merge"].press("Enter"),
        lambda: button["Next merge"].press("Space"),
        lambda: button["Back"].click(),
        lambda: explorer.get_by_role("slider").press("End"),
        lambda: explorer.get_by_role("slider").press("Home"),
    ):
        press()
        seen.append(int(page.data("tokens")[0]["step"]))
    assert seen == [1, 2, 1, steps, 0]
    assert button["Back"].is_disabled() and button["Next merge"].is_enabled()
    words = explorer.get_by_role("status").inner_text()
    ids, _ = bpe("the shells she sells", MERGES, 1)
    rank = min(ids_ - 256 for ids_ in ids if ids_ >= 256)
    assert f"Next is rank {rank}:" in words and f"id {256 + rank}" in words


def test_two_merges_of_the_same_bytes_take_the_later_id(page):
    merges = [(b"a", b"b"), (b"b", b"c"), (b"ab", b"c"), (b"a", b"bc"), (b"abc", b"d")]
    texts = ["abc", "abcd", "abcabcd", "bcd"]
    stored = tokens.encode(merges)
    found = page.call(
        "tokens",
        """(script, [bytes, text]) => {
          const table = script.readMerges(new DataView(Uint8Array.from(bytes).buffer));
          return script.steps(text, table).at(-1).pieces.flat();
        }""",
        [[list(stored), text] for text in texts],
    )
    assert found == [bpe(text, merges)[0] for text in texts]


def test_blanks_are_python_s_blanks(page):
    codes = [*range(0x2100), *range(0x2FF0, 0x3010), *range(0xFE00, 0xFF10)]
    # What was a character in 2002 is one in every regex module and browser.
    old = [c for c in map(chr, codes) if unicodedata.ucd_3_2_0.category(c) != "Cn"]
    cases = [text for sign in old for text in (f"a {sign}b", f"a{sign} b", f"!{sign}!")]
    found = page.call("tokens", "(script, one) => script.preSplit(one)", cases)
    assert found == [regex.findall(PATTERN, case) for case in cases]


def test_every_control_has_a_name_and_a_value_in_words(page):
    handles = page.tab.get_by_role("slider").all()
    assert len(handles) == 4 + 4 + 2 + 1
    for handle in handles:
        assert handle.get_attribute("aria-label")
    context = page.handle("sizing", "context")
    context.press("Home")
    context.press("ArrowRight")
    page.drawn()
    assert context.get_attribute("aria-valuetext") == "1,024"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_explorers_are_readable_and_fit_a_phone(page, scheme):
    tab = page.tab
    tab.set_viewport_size({"width": 390, "height": 800})
    tab.emulate_media(color_scheme=scheme)
    tab.wait_for_selector(f"html[data-theme={scheme}]")
    page.drawn()
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    assert tab.evaluate(STICKING_OUT) == []
    for text in (".widget-label", ".widget-readout", "select", "dd", ".rounds-w-token"):
        ratios = tab.evaluate(CONTRASTS, f".rounds-explorer {text}")
        assert ratios and min(ratios) >= 4.5, text
    tab.set_viewport_size({"width": 1280, "height": 900})


BEFORE = "e => getComputedStyle(e, '::before').content"


@pytest.mark.parametrize("scripts", [True, False])
def test_page_says_what_is_missing_where_no_script_runs(
    browser, address, page, scripts
):
    tab = browser.new_context(java_script_enabled=scripts).new_page()
    tab.goto(address, wait_until="networkidle")
    output = tab.locator("div.cell_output").last
    assert ("needs JavaScript" in output.evaluate(BEFORE)) is not scripts
    tab.context.close()
