
const POWERS = ["B", "KiB", "MiB", "GiB", "TiB"];

/** 131072 as "128 KiB". */
export function inBytes(bytes) {
  let power = 0;
  let number = bytes;
  for (; number >= 1024 && power < POWERS.length - 1; power++) number /= 1024;
  const digits = power === 0 || Number.isInteger(number) ? 0 : number < 10 ? 2 : 1;
  const rounded = number.toLocaleString("en-US", { maximumFractionDigits: digits });
  return `${rounded} ${POWERS[power]}`;
}

/**
 * The bytes of a cache and of the weights, and how many sequences fit beside these.
 * All whole numbers below 2**53; `bits` per element, since int4 has half a byte.
 */
export function sizes({ n_layers, n_kv_heads, head_dim, n_parameters }, chosen) {
  const elements = 2 * n_layers * n_kv_heads * head_dim;
  const perToken = (elements * chosen.cacheBits) / 8;
  const perSequence = perToken * chosen.context;
  const weights = (n_parameters * chosen.weightBits) / 8;
  const memory = chosen.memoryGB * 1e9;
  return {
    perToken,
    perSequence,
    cache: perSequence * chosen.batch,
    weights,
    memory,
    largest: Math.max(0, Math.floor((memory - weights) / perSequence)),
    // The first context at which the cache of this batch is larger than the weights.
    crossing: Math.floor(weights / (perToken * chosen.batch)) + 1,
  };
}

const LAYOUT = `
  ${figures({
    perToken: "cache per token",
    cache: "cache",
    weights: "weights",
    largest: "largest batch that fits",
  })}
  <div class="rounds-w-limits" aria-hidden="true">
    <span class="rounds-w-limit-name" data-part="limitName"></span>
  </div>
  <div class="rounds-w-stack" role="img" data-part="stack">
    <span class="rounds-w-weights" data-part="weightsBar"></span>
    <span class="rounds-w-cache" data-part="cacheBar"></span>
    <span class="rounds-w-limit" data-part="limit"></span>
  </div>
  <p class="rounds-w-key">
    <span class="rounds-w-weights"></span>weights
    <span class="rounds-w-cache"></span>cache
    <span class="rounds-w-limit"></span>memory of the GPU
  </p>
  <p class="rounds-w-verdict" role="status" data-part="verdict"></p>
  <p class="rounds-w-formula" data-part="formula"></p>
  <p class="rounds-w-note">
    Weights and cache only: activations and the runtime need a few GB more. The GB of a
    card are counted as 10\u2079 bytes; KiB, MiB and GiB are powers of 1,024.
  </p>`;

/** What the numbers come to, in sentences. */
function verdict(found, context, name, longest) {
  const { cache, weights, memory, crossing } = found;
  const total = weights + cache;
  const [has, needs] = [inBytes(memory), inBytes(total)];
  const said = [];
  if (total <= memory) {
    said.push(`It fits: ${needs} of ${has}, ${inBytes(memory - total)} left.`);
  } else {
    said.push(`It does not fit: it takes ${needs}, and the GPU has ${has}.`);
  }
  if (cache > weights) {
    const times = (cache / weights).toFixed(1);
    said.push(`The cache dominates: ${times} times the weights.`);
  } else {
    said.push("The weights dominate; with this batch the cache passes them at");
    said.push(`${count(crossing)} tokens.`);
  }
  if (context > longest) {
    said.push(`${name} was made for ${count(longest)} tokens at most.`);
  }
  return said.join(" ");
}

function render({ model, el }) {
  const page = layOut(el, LAYOUT);

  function draw() {
    const at = (list, chosen) => model.get(list)[model.get(chosen)];
    const [name, n_layers, n_kv_heads, head_dim, n_parameters, longest] = at(
      "models",
      "model",
    );
    const shape = { n_layers, n_kv_heads, head_dim, n_parameters };
    const chosen = {
      context: at("contexts", "context"),
      batch: model.get("batch"),
      cacheBits: at("bits", "cache"),
      weightBits: at("bits", "weights"),
      memoryGB: at("memories", "memory"),
    };
    const found = sizes(shape, chosen);
    const { perToken, cache, weights, memory, largest } = found;
    const fits = weights + cache <= memory;
    const exact = { model: name, ...shape, ...chosen, ...found, fits };
    Object.assign(page.root.dataset, exact);

    page.perToken.textContent = inBytes(perToken);
    page.cache.textContent = inBytes(cache);
    page.weights.textContent = inBytes(weights);
    page.largest.textContent = count(largest);

    const width = Math.max(weights + cache, memory);
    const share = (bytes) => `${(100 * bytes) / width}%`;
    page.weightsBar.style.width = share(weights);
    page.cacheBar.style.width = share(cache);
    page.limit.style.left = share(memory);
    // The name stands before its line, or behind it where there is no room.
    const behind = memory / width < 0.5;
    page.limitName.style.left = behind ? share(memory) : "auto";
    page.limitName.style.right = behind ? "auto" : share(width - memory);
    page.limitName.textContent = `${chosen.memoryGB} GB = ${inBytes(memory)}`;

    page.verdict.textContent = verdict(found, chosen.context, name, longest);
    const parts = { weights, cache, memory };
    const words = ([part, size]) => `${part} ${inBytes(size)}`;
    page.stack.setAttribute("aria-label", Object.entries(parts).map(words).join(", "));
    const factors = [
      2,
      `${n_layers} layers`,
      `${n_kv_heads} KV heads`,
      head_dim,
      `${count(chosen.context)} tokens`,
      chosen.batch,
      chosen.cacheBits === 8 ? "1 byte" : `${chosen.cacheBits / 8} bytes`,
    ];
    page.formula.textContent = `${factors.join(" \u00d7 ")} = ${count(cache)} bytes`;
  }
  const traits = ["model", "context", "batch", "cache", "weights", "memory"];
  const ends = [follow(model, traits, draw), nameHandles(el)];
  return () => ends.forEach((stop) => stop());
}

export default { render };
