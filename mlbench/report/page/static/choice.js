// Ranks the models for any weights of languages, and draws a ranking. What was ranked beforehand (a language,
// a language family, a country) is read as it was made; other weights are computed from a few joint draws,
// by the rules of stats/best.py and stats/ranks.py.
"use strict";
const CHOICE = { steps: 20, samples: 2000, half: 0.5, sure: 0.05, z: 1.96 };

// The two-sided p of a normal z (Abramowitz & Stegun 7.1.26, within 1.5e-7).
const pOf = (z) => {
  const x = Math.abs(z) / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * x);
  const sum = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
  return sum * Math.exp(-x * x);
};
const meanOf = (numbers) => numbers.reduce((sum, one) => sum + one, 0) / numbers.length;
const spreadOf = (numbers) => {
  const mean = meanOf(numbers);
  return Math.sqrt(numbers.reduce((sum, one) => sum + (one - mean) ** 2, 0) / (numbers.length - 1));
};

// Normal numbers, the same each time: the page must not change what it says by itself.
const normals = () => {
  let seed = 1;
  const next = () => { // mulberry32
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
};

// `levels` by model, `noise[model][draw]`: how likely each is the best (stats/best.py).
const bestOf = (levels, noise) => {
  const n = levels.length;
  const mean = meanOf(levels);
  const apart = levels.map((level) => level - mean);
  const centre = noise[0].map((_, k) => meanOf(noise.map((own) => own[k])));
  const relative = noise.map((own) => own.map((value, k) => value - centre[k]));
  const variance = relative.reduce((sum, own) => sum + spreadOf(own) ** 2, 0) / (n - 1);
  const draw = normals();
  const scale = 1 / Math.sqrt(relative[0].length - 1);
  const drawn = Array.from({ length: CHOICE.samples }, () => {
    const factors = relative[0].map(() => draw() * scale);
    return relative.map((own) => own.reduce((sum, value, k) => sum + value * factors[k], 0));
  });
  const squares = variance ? apart.reduce((sum, one) => sum + one * one, 0) / variance : Infinity;
  const shares = Array.from({ length: CHOICE.steps }, (_, i) => (i + 0.5) / CHOICE.steps);
  const logs = shares.map((share) => ((n - 1) / 2) * Math.log(share) - (share * Math.min(squares, 1e6)) / 2);
  const most = Math.max(...logs);
  const best = levels.map(() => 0);
  let total = 0;
  shares.forEach((share, i) => {
    const weight = Math.exp(logs[i] - most);
    if (weight < 1e-6) return;
    total += weight;
    const pulled = apart.map((one) => Math.sqrt(1 - share) * one);
    for (const one of drawn) {
      const values = one.map((value, m) => value + pulled[m]);
      const top = Math.max(...values);
      const firsts = values.flatMap((value, m) => (value >= top - 1e-9 ? [m] : []));
      for (const m of firsts) best[m] += weight / firsts.length / drawn.length;
    }
  });
  return best.map((one) => one / total);
};

// The places that each model can have, after Holm's correction over all pairs (stats/ranks.py).
const placesOf = (levels, noise) => {
  const pairs = [];
  levels.forEach((level, i) => levels.slice(0, i).forEach((other, j) => {
    const spread = spreadOf(noise[i].map((value, k) => value - noise[j][k]));
    const apart = level - other;
    pairs.push({ i, j, apart, p: apart ? pOf(apart / spread) : 1 });
  }));
  pairs.sort((a, b) => a.p - b.p);
  const last = pairs.findIndex(({ p }, i) => p * (pairs.length - i) > CHOICE.sure);
  const firm = last < 0 ? pairs : pairs.slice(0, last);
  const places = levels.map(() => [1, levels.length]);
  for (const { i, j, apart } of firm) {
    const [better, worse] = apart > 0 ? [i, j] : [j, i];
    places[worse][0] += 1;
    places[better][1] -= 1;
  }
  return places;
};

const shareWords = (share) => (share === null ? "unknown" : share > 0.99 ? "over 99 %" : share < 0.01 ? "below 1 %" : `${Math.round(100 * share)} %`);
const points = (share) => (share === null ? "–" : (100 * share).toFixed(1).replace(/^-(?=.*[1-9])/, "−").replace(/^-/, ""));

const readChoice = async () => {
  if (!$("choice-data")) return null;
  const data = await inflate($("choice-data").textContent);
  const words = sentences(data.words);
  const part = (number) => (number === null ? null : number / 1000);
  const at = new Map(data.tags.map((tag, i) => [tag, i]));
  const groups = new Map(data.keys.map((key, i) => {
    const [name, untested, shares, ...numbers] = data.groups[i];
    const own = key.startsWith("lang=") ? { [key.slice(5)]: 1 } : shares;
    // A country of one language has the numbers of that.
    const same = numbers[0].length ? i : data.keys.indexOf(`lang=${Object.keys(own)[0]}`);
    const [, , , ends, places, best] = data.groups[same];
    const rows = data.names.map((_, m) => ({
      ends: ends.slice(3 * m, 3 * m + 3).map(part), places: places.slice(2 * m, 2 * m + 2), best: part(best[m]),
    }));
    return [key, { key, name, untested, shares: own, words: words[i], rows }];
  }));
  const levelOf = (m, tag) => groups.get(`lang=${tag}`)?.rows[m].ends[0] ?? null;
  const length = data.draws[0].length / data.tags.length;
  const noiseOf = (m, tag) => {
    const start = at.get(tag) * length;
    const steps = Array.from(data.draws[m].slice(start, start + length), (letter) => letter.charCodeAt(0) - 59);
    const scale = spreadOf(steps);
    return steps.map((step) => (scale ? (step * data.stderrs[at.get(tag)][m]) / 1e5 / scale : 0));
  };
  // A premium is known only where it is known in every language: what is not may be the dearest.
  const tokensOf = (m, shares) => {
    const known = Object.entries(shares).map(([tag, share]) => [data.premiums[m][at.get(tag)], share]);
    if (known.some(([premium]) => premium === null)) return "unknown";
    return (known.reduce((sum, [premium, share]) => sum + premium * share, 0) / 100).toFixed(2);
  };
  const withFacts = (group) => ({
    ...group,
    rows: group.rows.map((row, m) => ({
      ...row, name: data.names[m], english: levelOf(m, "en"), tokens: tokensOf(m, group.shares),
      memory: data.memory[m], licence: data.licence[m],
    })).sort((a, b) => b.ends[0] - a.ends[0]),
  });
  const rank = (shares) => {
    const tags = Object.keys(shares);
    const mix = (of) => tags.reduce((sum, tag) => sum + shares[tag] * of(tag), 0);
    const levels = data.names.map((_, m) => mix((tag) => levelOf(m, tag)));
    const noise = data.names.map((_, m) => {
      const own = tags.map((tag) => noiseOf(m, tag));
      return own[0].map((_, k) => own.reduce((sum, draws, i) => sum + shares[tags[i]] * draws[k], 0));
    });
    const places = placesOf(levels, noise);
    const best = bestOf(levels, noise);
    return withFacts({
      shares,
      rows: levels.map((level, m) => {
        const radius = CHOICE.z * spreadOf(noise[m]);
        return { ends: [level, level - radius, level + radius], places: places[m], best: best[m] };
      }),
    });
  };
  return {
    tags: data.tags, groups, rank, levelOf, names: data.names,
    made: (key) => (groups.has(key) ? withFacts(groups.get(key)) : null),
  };
};

// ---- drawing ----------------------------------------------------------------------------------
const dotOf = ({ ends, english }) => {
  const x = (level) => (6 + 188 * Math.min(Math.max(level ?? 0, 0), 1)).toFixed(1);
  const [level, low, high] = ends.map((end) => x(end ?? ends[0]));
  const lines = make("svg", { viewBox: "0 0 200 16", "aria-hidden": "true", focusable: "false" },
    make("path", { class: "axis", d: "M6 8H194" }),
    make("path", { class: "mean", d: `M${low} 8H${high}M${low} 4V12M${high} 4V12` }));
  if (english !== null) lines.append(make("path", { class: "en", d: `M${x(english)} 4l4 4l-4 4l-4 -4z` }));
  lines.append(make("path", { class: "dot", d: `M${level} 4a4 4 0 1 0 .01 0z` }));
  return lines;
};
const choiceRow = (row) => {
  const [low, high] = row.places;
  const interval = row.ends[1] === null ? "interval unknown" : `[${points(row.ends[1])}, ${points(row.ends[2])}]`;
  return make("tr", {},
    make("td", { class: "rank" }, low === high ? `${low}` : `${low}–${high}`),
    make("th", { scope: "row" }, make("bdi", {}, row.name)),
    make("td", {}, `${points(row.ends[0])} `, make("small", {}, interval), dotOf(row)),
    ...[shareWords(row.best), row.tokens, row.memory, row.licence].map((text) => make("td", {}, text)));
};
const choiceTable = (group, head) => make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Ranking for these languages" },
  make("table", { class: "ranking choice" }, head.cloneNode(true), make("tbody", {}, ...group.rows.map(choiceRow))));
