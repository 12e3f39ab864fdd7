
const BARS = 20;
const DRAWS = 30;
const LAST_SEED = 2 ** 31 - 1;
const SEPARATOR = "\x7f";
const READERS = {
  int16: [2, "getInt16"],
  float32: [4, "getFloat32"],
  float64: [8, "getFloat64"],
};

/** Uniform numbers in [0, 1) from a seed: SplitMix64 (Steele, Lea and Flood, 2014). */
export function* uniforms(seed) {
  const whole = (number) => BigInt.asUintN(64, number);
  for (let state = whole(BigInt(seed)); ; ) {
    state = whole(state + 0x9e3779b97f4a7c15n);
    let z = whole((state ^ (state >> 30n)) * 0xbf58476d1ce4e5b9n);
    z = whole((z ^ (z >> 27n)) * 0x94d049bb133111ebn);
    yield Number((z ^ (z >> 31n)) >> 11n) / 2 ** 53;
  }
}

/** The ids in the order of their logits, highest first, ties to the lowest id. */
export function ranked(logits) {
  const ids = Uint32Array.from(logits, (_, id) => id);
  return ids.sort((a, b) => logits[b] - logits[a] || a - b);
}

/**
 * What the settings leave of logits that are sorted downwards. Every filter keeps the
 * first so many, so `kept` says it all. `weights` are the softmax of all without its
 * denominator, and `sums` their running sums.
 */
export function filter(sorted, { temperature, top_k, top_p, min_p }) {
  const weights = new Float64Array(sorted.length);
  const sums = new Float64Array(sorted.length);
  for (let i = 0, sum = 0; i < sorted.length; i++) {
    // The highest logit is taken off first: no exponent is above 0.
    if (temperature > 0) weights[i] = Math.exp((sorted[i] - sorted[0]) / temperature);
    else weights[i] = i === 0 ? 1 : 0; // greedy: the first of all that are highest
    sum += weights[i];
    sums[i] = sum;
  }
  let kept = temperature > 0 ? sorted.length : 1;
  if (top_k > 0) kept = Math.min(kept, top_k);
  if (top_p < 1) {
    const total = sums[kept - 1];
    let n = 1;
    while (n < kept && sums[n - 1] / total < top_p) n++;
    kept = n;
  }
  // The highest weight is 1, so min_p is what the others are compared with.
  while (weights[kept - 1] < min_p) kept--;
  return { kept, weights, sums };
}

/** The entropy in bits of the first n weights, normalised. */
export function entropy(weights, n, total) {
  let bits = 0;
  for (let i = 0; i < n; i++) {
    const p = weights[i] / total;
    if (p > 0) bits -= p * Math.log2(p);
  }
  return bits;
}

/** The place of the first running sum above `goal` among the first n. */
export function place(sums, n, goal) {
  let low = 0;
  let high = n - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sums[middle] > goal) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Numbers of `width` bytes, from all their first bytes, all second ones and so on. */
function numbers(stored, width) {
  const whole = new DataView(new ArrayBuffer(stored.byteLength));
  const n = stored.byteLength / width;
  for (let i = 0; i < stored.byteLength; i++) {
    whole.setUint8((i % n) * width + Math.floor(i / n), stored.getUint8(i));
  }
  return whole;
}

/** The logits of each prompt, with their order, worked out when first asked for. */
function reader(model, n) {
  const [width, read] = READERS[model.get("dtype")];
  const stored = numbers(view(model.get("logits")), width);
  const scale = model.get("scale");
  const prompts = new Map();
  return (prompt) => {
    if (!prompts.has(prompt)) {
      const start = prompt * n * width;
      const logits = Float64Array.from(
        { length: n },
        (_, id) => stored[read](start + id * width, true) / scale,
      );
      const ids = ranked(logits);
      prompts.set(prompt, { ids, sorted: Float64Array.from(ids, (id) => logits[id]) });
    }
    return prompts.get(prompt);
  };
}

/** The end of the axis: the last of 1, 0.5, 0.2, 0.1 and so on that is long enough. */
function axisEnd(longest) {
  for (let end = 1, i = 0; ; i++) {
    const shorter = end / [2, 2.5, 2][i % 3];
    if (shorter < longest || shorter < 1e-6) return end;
    end = shorter;
  }
}

const LAYOUT = `
  ${figures({
    kept: "tokens kept",
    mass: "mass kept",
    entropy: "entropy",
    before: "entropy unfiltered",
  })}
  <ol class="rounds-w-bars" data-part="bars" aria-label="most probable tokens"></ol>
  <p class="rounds-w-axis" aria-hidden="true">
    <span>0</span><span data-part="end"></span>
  </p>
  <p class="rounds-w-note">
    Bar: probability to be drawn. Tick: before the filters. Dashed and struck through:
    removed. <span data-part="numbers">A number after # is the id of an improbable
    token.</span>
  </p>
  <div class="rounds-w-head">
    <strong>${DRAWS} draws</strong>
    <label>
      seed <input data-part="seed" type="number" min="0" max="${LAST_SEED}" step="1">
    </label>
    <button class="rounds-w-button" type="button" data-part="again">Draw again</button>
  </div>
  <ol class="rounds-w-draws" data-part="draws" aria-label="drawn tokens"></ol>`;
const BAR = `
  <li>
    <span class="rounds-w-token"></span>
    <span class="rounds-w-track" aria-hidden="true">
      <span class="rounds-w-bar"></span>
      <span class="rounds-w-tick"></span>
    </span>
    <span class="rounds-w-value"></span>
  </li>`;

function render({ model, el }) {
  const texts = model.get("texts").split(SEPARATOR);
  const text = (id) => visible(texts[id]) || `#${id}`;
  const prompt = reader(model, texts.length);

  const page = layOut(el, LAYOUT);
  page.numbers.hidden = !texts.includes("");
  page.bars.innerHTML = BAR.repeat(Math.min(BARS, texts.length));
  page.draws.innerHTML = "<li></li>".repeat(DRAWS);

  function setSeed(number) {
    model.set("seed", number);
    model.save_changes();
  }
  const isSeed = () => page.seed.value !== "" && page.seed.validity.valid;
  page.again.addEventListener("click", () => {
    setSeed(model.get("seed") < LAST_SEED ? model.get("seed") + 1 : 0);
  });
  page.seed.addEventListener("change", () => {
    if (isSeed()) setSeed(page.seed.valueAsNumber);
    else page.seed.value = model.get("seed");
  });

  const traits = ["temperature", "top_k", "top_p", "min_p"];
  function draw() {
    const settings = Object.fromEntries(traits.map((name) => [name, model.get(name)]));
    const { ids, sorted } = prompt(model.get("prompt"));
    const { kept, weights, sums } = filter(sorted, settings);
    const all = sums[sums.length - 1];
    const left = sums[kept - 1];

    const mass = left / all;
    const bits = entropy(weights, kept, left);
    const before = entropy(weights, weights.length, all);
    page.kept.textContent = `${count(kept)} of ${count(ids.length)}`;
    page.mass.textContent = percent(mass);
    page.entropy.textContent = `${bits.toFixed(2)} bits`;
    page.before.textContent = `${before.toFixed(2)} bits`;
    const exact = { ...settings, kept, mass, entropy: bits, before };
    Object.assign(page.root.dataset, exact);

    const longest = axisEnd(weights[0] / left);
    page.end.textContent = `${Number((100 * longest).toPrecision(2))} %`;
    Array.from(page.bars.children, (row, i) => {
      const isKept = i < kept;
      const was = weights[i] / all;
      const is = isKept ? weights[i] / left : 0;
      const bar = row.querySelector(".rounds-w-bar");
      const tick = row.querySelector(".rounds-w-tick");
      bar.style.width = `${(100 * (isKept ? is : was)) / longest}%`;
      tick.style.left = `${(100 * was) / longest}%`;
      tick.hidden = !isKept || is === was;
      row.querySelector(".rounds-w-token").textContent = text(ids[i]);
      const value = isKept ? percent(is) : "removed";
      row.querySelector(".rounds-w-value").textContent = value;
      row.classList.toggle("rounds-w-removed", !isKept);
      const exact = { id: ids[i], kept: isKept, probability: is, before: was };
      Object.assign(row.dataset, exact);
    });

    const seed = model.get("seed");
    if (page.seed.value !== String(seed)) page.seed.value = seed;
    const random = uniforms(seed);
    for (const item of page.draws.children) {
      const id = ids[place(sums, kept, random.next().value * left)];
      item.textContent = text(id);
      item.dataset.id = id;
    }
  }
  const ends = [follow(model, [...traits, "prompt", "seed"], draw), nameHandles(el)];
  return () => ends.forEach((stop) => stop());
}

export default { render };
