// On the search page: a result leads to the section of its page that is most about the
// words asked for, its excerpt is from there, and results come in the order of their
// sections. Sphinx shows the page's head, and marks every "p" of every word for somebody
// who asks for top-p.
document.addEventListener("DOMContentLoaded", () => {
  const NOT_TEXT =
    "script, style, template, button, details.hide > summary, h1, h2, h3";
  // What names a thing, or says it again, goes after the section that derives it.
  const SAYS_AGAIN = {
    References: 0.5,
    "How to work": 0.5,
    "Say it": 0.8,
    "From memory": 0.9,
    "In this chapter we have seen": 0.8,
    "Names in code and formulas": 0.5,
  };
  const LENGTH = 240; // of an excerpt, in characters, as Sphinx's
  const stemmer = new Stemmer();
  const stems = new Map(); // the same words come again and again
  const stemOf = (word) => {
    const lower = word.toLowerCase();
    if (!stems.has(lower)) stems.set(lower, stemmer.stemWord(lower));
    return stems.get(lower);
  };

  let forms = new Set(); // the words as they are typed
  const isForm = (word) => forms.has(word.toLowerCase());

  const oneLine = (node) => node.textContent.replace(/\s+/g, " ").trim();

  const words = (text) => [...text.matchAll(/[\p{Letter}\p{Number}_]+/gu)];

  /** The words of `text` that are asked for: where they stand, and their stems. */
  const hits = (text, asked) =>
    words(text)
      .map((word) => [word.index, word[0], stemOf(word[0])])
      .filter(([, , stem]) => asked.has(stem));

  const stemsIn = (text, asked) => new Set(hits(text, asked).map(([, , stem]) => stem));

  /** Whether the words stand in `text` one after the other, as they are asked for. */
  const hasPhrase = (text, asked) => {
    const line = words(text).map(([word]) => stemOf(word));
    const phrase = [...asked];
    return line.some((_, i) => phrase.every((stem, j) => line[i + j] === stem));
  };

  /** The names of the functions and classes that are written in `text`. */
  const definitions = (text) =>
    [...text.matchAll(/\b(?:def|class) (\w+)/g)].map(([, name]) => name).join(" ");

  /** Whether `name` is what is asked for: all of it, and nothing else. */
  const isAsked = (name, asked) => {
    const said = words(name.toLowerCase()).filter(([word]) => !stopwords.includes(word));
    const found = stemsIn(name, asked).size;
    return found === asked.size && hits(name, asked).length === said.length;
  };

  /** The names of a page: its title, and its file's ("rag" for the longer title). */
  const namesOf = (page, html) => {
    const file = html.match(/pagename = '(?:chapters\/)?([^']*)'/)?.[1] ?? "";
    const title = page.querySelector(".bd-article h1").textContent;
    return [title, file, file.replaceAll("_", " ")];
  };

  /** What a word says: the fewer of the page's places have it, the more. */
  const weights = (found, asked) => {
    const having = found.map(({ heading, text }) => stemsIn(`${heading} ${text}`, asked));
    const count = (stem) => having.filter((each) => each.has(stem)).length;
    const says = (stem) => 1 + Math.log(found.length / Math.max(1, count(stem)));
    const of = new Map([...asked].map((stem) => [stem, says(stem)]));
    return (some) => [...new Set(some)].reduce((sum, stem) => sum + of.get(stem), 0);
  };

  /** The best excerpt of `text`: its weight, where it begins, and its hits. */
  const excerpt = (text, asked, weight) => {
    let best = { weight: 0, start: 0, hits: [] };
    const all = hits(text, asked);
    for (const [start] of all) {
      const near = all.filter(
        ([at, word]) => start <= at && at + word.length <= start + LENGTH - 60
      );
      const found = weight(near.map(([, , stem]) => stem));
      if (found > best.weight) best = { weight: found, start, hits: near };
    }
    return best;
  };

  /** A term of the glossary: its name, its address, what it means. */
  const defined = (term) => ({
    id: term.id,
    heading: oneLine(term),
    text: oneLine(term.nextElementSibling),
    prose: oneLine(term.nextElementSibling),
  });

  /** The sections and terms of an article, or of what `anchor` names in it. */
  const places = (page, anchor) => {
    const at = anchor && page.querySelector(`.bd-article [id="${anchor.slice(1)}"]`);
    if (at?.tagName === "DT") return [defined(at)];
    const terms = [...page.querySelectorAll(".bd-article dl.glossary > dt[id]")];
    const sections = at ? [at] : [...page.querySelectorAll(".bd-article section[id]")];
    const parts = sections.map((section) => {
      const own = section.cloneNode(true);
      for (const part of own.querySelectorAll("section, dl.glossary")) part.remove();
      const title = own.querySelector("h1, h2, h3");
      const heading = title && title.tagName !== "H1" ? oneLine(title) : "";
      for (const part of own.querySelectorAll(NOT_TEXT)) part.remove();
      const text = oneLine(own);
      for (const part of own.querySelectorAll("pre")) part.remove();
      return { id: heading && section.id, heading, text, prose: oneLine(own) };
    });
    return at ? parts : [...parts, ...terms.map(defined)];
  };

  /** The excerpt as a paragraph with the words marked that were asked for. */
  const paragraph = ({ text }, { start, hits }) => {
    const shown = document.createElement("p");
    shown.classList.add("context");
    const last = Math.max(0, ...hits.map(([at, word]) => at + word.length));
    const before = last < LENGTH ? 0 : text.indexOf(" ", start - 60) + 1;
    let end = before + LENGTH;
    if (end < text.length) end = text.lastIndexOf(" ", end);
    let at = before;
    shown.append(before ? "… " : "");
    for (const [place, word] of hits) {
      const mark = document.createElement("span");
      mark.classList.add("highlighted");
      mark.textContent = word;
      shown.append(text.slice(at, place), mark);
      at = place + word.length;
    }
    shown.append(text.slice(at, Math.max(end, at)), end < text.length ? " …" : "");
    return shown;
  };

  /** Results by rank, and in each those that say most of it first; else as Sphinx has
      them. Excerpts come in any order. */
  const came = new Map();
  const ranks = new Map();
  const move = (result, rank, says) => {
    const list = result.parentElement;
    for (const one of list.children) if (!came.has(one)) came.set(one, came.size);
    ranks.set(result, [rank, -says]);
    const place = (one) => [...(ranks.get(one) ?? [9, 0]), came.get(one)];
    const before = (a, b) => a.map((part, i) => part - b[i]).find((part) => part) ?? 0;
    list.append(...[...list.children].sort((a, b) => before(place(a), place(b))));
  };

  /** How good a place is among those of its page, `weight`, and of all pages, `says`. */
  const judged = (place, asked, weigh) => {
    const part = excerpt(place.text, asked, weigh);
    const all = hits(`${place.heading} ${place.text}`, asked);
    const called = hits(place.heading, asked);
    const written = hits(definitions(place.text), asked);
    const phrase = hasPhrase(`${place.heading} ${place.text}`, asked) ? 1 : 0;
    // A word counts in full as it is asked for ("tokenizer"), else less ("tokens").
    const stemsOf = (some) => some.map(([, , stem]) => stem);
    const sameOf = (some) => stemsOf(some.filter(([, word]) => isForm(word)));
    const worth = (some) => 0.7 * weigh(stemsOf(some)) + 0.3 * weigh(sameOf(some));
    const size = (some) => new Set(some).size;
    const count = (some) => 0.7 * size(stemsOf(some)) + 0.3 * size(sameOf(some));
    const prose = hits(`${place.heading} ${place.prose}`, asked);
    const about = Math.min(9, sameOf(prose).length + stemsOf(prose).length / 10) / 10;
    const heading = 2 * weigh(sameOf(called)) + 0.3 * weigh(stemsOf(called));
    const near = worth(part.hits) + heading + worth(written);
    const has = count(part.hits) + Math.max(size(sameOf(called)), count(written));
    const share = SAYS_AGAIN[place.heading] ?? 1;
    return {
      ...place,
      part,
      near,
      weight: share * (near + worth(all) + phrase * weigh(asked) + about / 10),
      says: share * (has / asked.size + phrase + about),
    };
  };

  Search.makeSearchSummary = (html, asked, anchor) => {
    const page = new DOMParser().parseFromString(html, "text/html");
    for (const sign of page.querySelectorAll(".headerlink")) sign.remove();
    for (const formula of page.querySelectorAll(".math")) {
      const plain = formula.textContent.replace(/\\[()[\]]/g, "").trim();
      formula.textContent = /[\\{}]/.test(plain) ? "…" : plain; // no TeX
    }
    const names = namesOf(page, html);
    // Who asks for a page is led to its top.
    const byName = stemsIn(names.join(" "), asked).size === asked.size;
    const all = places(page, byName ? "" : anchor);
    if (!all.length) return null;
    const weigh = weights(all, asked);
    const found = all.map((place) => judged(place, asked, weigh));
    const best = byName ? found[0] : found.reduce((a, b) => (b.weight > a.weight ? b : a));
    const shown = paragraph(best, best.part);
    // Sphinx puts it below the link when it has it.
    queueMicrotask(() => {
      const result = shown.parentElement;
      const link = result.querySelector("a");
      if (byName || best.heading) link.hash = best.id;
      const [title] = link.textContent.split(" > ");
      if (byName) link.textContent = title;
      else if (best.heading) link.textContent = `${title} > ${best.heading}`;
      // First the page that is called so, then a section or a term; last what has the
      // words far from one another only.
      const isCalled = names.some((name) => isAsked(name, asked));
      const far = !byName && 2 * best.near < weigh(asked);
      const rank = isCalled ? 0 : isAsked(best.heading, asked) ? 1 : far ? 3 : 2;
      // A chapter goes before its exercise, and that before what would spoil it.
      const later = { exercises: 0.5, solutions: 1 }[names[1].split("/")[0]] ?? 0;
      move(result, rank, best.says + (byName ? 5 : 0) - later);
    });
    return shown;
  };

  Object.assign(Documentation.TRANSLATIONS, {
    "Your search did not match any documents. Please make sure that all words are spelled correctly and that you've selected enough categories.":
      "No page has all of these words: try fewer of them, or look in Names and terms.",
    "Search finished, found ${resultCount} page(s) matching the search query.":
      "Pages with these words: ${resultCount}",
  });

  // Marks are made above; a page that is come to from here has none.
  const parse = Search._parseQuery;
  Search._parseQuery = (query) => {
    forms = new Set(words(query.toLowerCase()).map(([word]) => word));
    const [text, asked, without, , objects] = parse(query);
    localStorage.removeItem("sphinx_highlight_terms");
    return [text, asked, without, new Set(), objects];
  };

  // A page has to have the words of three letters and more. Sphinx counts as if it had
  // left the shorter ones out, and takes a page with "np" alone for np.vecdot.
  const performTerms = Search.performTermsSearch;
  Search.performTermsSearch = (asked, without) => {
    const long = [...asked].filter((stem) => stem.length > 2);
    return performTerms(long.length ? new Set(long) : asked, without);
  };

  // One result a page, where the best of its entries stands: an entry of its own for
  // the words, a section's or a term's, if it has one. The last result is shown first.
  const perform = Search._performSearch;
  Search._performSearch = (...query) => {
    const found = new Map();
    for (const result of perform(...query)) {
      const [page, , anchor] = result;
      const before = found.get(page);
      found.delete(page); // to be added at the end
      found.set(page, anchor || !before?.[2] ? result : before);
    }
    return [...found.values()];
  };
});
