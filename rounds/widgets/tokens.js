
// Python's \s, as the regex module has it: JavaScript's own takes U+FEFF for a blank
// and U+0085 for none.
const BLANK =
  "\\t-\\r \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const PRE_SPLIT = new RegExp(
  `'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^${BLANK}\\p{L}\\p{N}]+` +
    `|[${BLANK}]+(?![^${BLANK}])|[${BLANK}]+`,
  "gu",
);

/** The pre-tokens of a text, by GPT-2's pattern. */
export const preSplit = (text) => text.match(PRE_SPLIT) ?? [];

/** Merges as the script uses them: tokens' bytes, pairs, their ranks and new ids. */
export function readMerges(stored) {
  const tokens = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte));
  const pairs = [];
  for (let at = 0; at < stored.byteLength; at += 4) {
    const pair = [stored.getUint16(at, true), stored.getUint16(at + 2, true)];
    pairs.push(pair);
    tokens.push(tokens[pair[0]] + tokens[pair[1]]);
  }
  // Of two tokens of the same bytes the later id is used, as a dict of them would.
  const ids = new Map(tokens.map((token, id) => [token, id]));
  const idOf = (id) => ids.get(tokens[id]);
  const ranks = new Map();
  pairs.forEach(([left, right], rank) => {
    ranks.set(pairKey(idOf(left), idOf(right)), rank);
  });
  const merged = pairs.map((_, rank) => idOf(256 + rank));
  return { tokens, pairs, ranks, merged };
}

const pairKey = (left, right) => left * 65536 + right;

/** Every place of `rank` in the ids merged, from left to right. */
export function merge(ids, rank, { ranks, merged }) {
  const out = [];
  for (let i = 0; i < ids.length; i++) {
    if (i + 1 < ids.length && ranks.get(pairKey(ids[i], ids[i + 1])) === rank) {
      out.push(merged[rank]);
      i++;
    } else out.push(ids[i]);
  }
  return out;
}

/** The lowest rank of a pair in any of the pieces, or Infinity. */
function lowest(pieces, { ranks }) {
  let found = Infinity;
  for (const ids of pieces) {
    for (let i = 0; i + 1 < ids.length; i++) {
      const rank = ranks.get(pairKey(ids[i], ids[i + 1]));
      if (rank < found) found = rank;
    }
  }
  return found;
}

/** A text's pieces as ids after each of its merges: one entry per step. */
export function steps(text, table) {
  const encoder = new TextEncoder();
  let pieces = preSplit(text).map((piece) => [...encoder.encode(piece)]);
  const states = [{ pieces, rank: lowest(pieces, table) }];
  while (states.at(-1).rank < Infinity) {
    const { rank } = states.at(-1);
    // What a merge leaves alone is shared with the step before.
    pieces = pieces.map((ids) => {
      const next = merge(ids, rank, table);
      return next.length === ids.length ? ids : next;
    });
    states.push({ pieces, rank: lowest(pieces, table) });
  }
  return states;
}

/** A token as it is shown: its text, or its bytes in hex where they are no text. */
function shown(token) {
  const bytes = Uint8Array.from(token, (c) => c.charCodeAt(0));
  try {
    const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    return [visible(decoder.decode(bytes)), false];
  } catch {
    const hex = (byte) => byte.toString(16).toUpperCase().padStart(2, "0");
    return [Array.from(bytes, hex).join(" "), true];
  }
}

const LAYOUT = `
  <label class="rounds-w-label">
    Your text
    <textarea class="rounds-w-text" rows="3" spellcheck="false" data-part="box">
    </textarea>
  </label>
  <div class="rounds-w-head">
    <button class="rounds-w-button" type="button" data-part="toBytes">Bytes</button>
    <button class="rounds-w-button" type="button" data-part="back">Back</button>
    <input type="range" min="0" step="1" data-part="slider" aria-label="merges done">
    <button class="rounds-w-button" type="button" data-part="next">Next merge</button>
    <button class="rounds-w-button" type="button" data-part="toAll">All merges</button>
  </div>
  <p role="status" data-part="status"></p>
  ${figures({
    characters: "characters",
    bytes: "bytes",
    preTokens: "pre-tokens",
    now: "tokens now",
    last: "tokens at the end",
  })}
  <div class="rounds-w-tokens" role="group" aria-label="tokens" data-part="tokens">
  </div>
  <p class="rounds-w-note">
    A box is a token with its id, a group a pre-token. Next to be merged: thick frame.
    Just merged: bold. Bytes that are no whole character are in hex.
  </p>
  <p class="rounds-w-formula" data-part="ids"></p>`;

/** The box of a token: its text above its id. */
function boxOf(id, { tokens }, fresh) {
  const [words, isHex] = shown(tokens[id]);
  const box = document.createElement("span");
  const number = document.createElement("small");
  box.className = "rounds-w-box";
  box.classList.toggle("rounds-w-hex", isHex);
  box.classList.toggle("rounds-w-fresh", id === fresh);
  number.textContent = id;
  box.append(words, number);
  return box;
}

/** The boxes of a pre-token; those of a pair of `rank` are marked as such. */
function groupOf(ids, table, rank, fresh) {
  const group = document.createElement("span");
  group.className = "rounds-w-piece";
  const boxes = ids.map((id) => boxOf(id, table, fresh));
  for (let i = 0; i + 1 < ids.length; i++) {
    if (table.ranks.get(pairKey(ids[i], ids[i + 1])) !== rank) continue;
    boxes[i].classList.add("rounds-w-left");
    boxes[++i].classList.add("rounds-w-right");
  }
  group.append(...boxes);
  return group;
}

function render({ model, el }) {
  const table = readMerges(view(model.get("merges")));
  const page = layOut(el, LAYOUT);
  page.box.maxLength = model.get("longest");

  // The states of the text that is drawn, one per step.
  let text;
  let states;
  function work() {
    if (text === model.get("text")) return;
    text = model.get("text");
    states = steps(text, table);
  }
  const last = () => states.length - 1;
  const current = () => Math.max(0, Math.min(model.get("step"), last()));

  function setStep(step) {
    model.set("step", Math.max(0, Math.min(step, last())));
    model.save_changes();
  }
  page.box.addEventListener("input", () => {
    const isAtEnd = current() === last();
    model.set("text", page.box.value);
    work();
    setStep(isAtEnd ? last() : current());
  });
  page.slider.addEventListener("input", () => setStep(page.slider.valueAsNumber));
  page.toBytes.addEventListener("click", () => setStep(0));
  page.back.addEventListener("click", () => setStep(current() - 1));
  page.next.addEventListener("click", () => setStep(current() + 1));
  page.toAll.addEventListener("click", () => setStep(last()));

  function draw() {
    work();
    const step = current();
    const { pieces, rank } = states[step];
    const ids = pieces.flat();
    if (page.box.value !== text) page.box.value = text;
    page.slider.max = last();
    page.slider.value = step;
    page.toBytes.disabled = page.back.disabled = step === 0;
    page.next.disabled = page.toAll.disabled = step === last();

    page.characters.textContent = count([...text].length);
    page.bytes.textContent = count(states[0].pieces.flat().length);
    page.preTokens.textContent = count(pieces.length);
    page.now.textContent = count(ids.length);
    page.last.textContent = count(states[last()].pieces.flat().length);

    const fresh = step > 0 ? table.merged[states[step - 1].rank] : -1;
    const groups = pieces.map((piece) => groupOf(piece, table, rank, fresh));
    page.tokens.replaceChildren(...groups);
    page.ids.textContent = `ids: ${ids.join(" ")}`;
    page.status.textContent = sentence(step, rank);
    Object.assign(page.root.dataset, { step, steps: last(), rank, ids: ids.join(" ") });
  }

  /** Where it stands, and what is merged next. */
  function sentence(step, rank) {
    const done = `Merge ${step} of ${last()} done`;
    if (!text) return "No text, no tokens.";
    if (step === last()) return `${done}: no two neighbours are a merge any more.`;
    const name = (id) => `\u201c${shown(table.tokens[id])[0]}\u201d`;
    const [left, right] = table.pairs[rank];
    const id = table.merged[rank];
    const places = page.tokens.querySelectorAll(".rounds-w-left").length;
    return (
      `${done}. Next is rank ${rank}: ${name(left)} + ${name(right)} becomes ` +
      `${name(id)}, id ${id}, in ${count(places)} ${places === 1 ? "place" : "places"}.`
    );
  }

  return follow(model, ["text", "step"], draw);
}

export default { render };
