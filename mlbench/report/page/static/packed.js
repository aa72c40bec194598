// The data that stands in the page packed: what is behind each cell, the columns that have no markup,
// and every pair. `ready` is there before they are.
"use strict";

// The words on a lead of A over B, told as the lead of B over A: in "+1.2 points [−0.3, 2.7]" signs turn,
// and the ends change places.
const mirrored = (words) => {
  if (!/^[+−]?\d/.test(words)) return words; // why there is no lead
  const turned = (text) => (text.startsWith("−") ? text.slice(1) : /[1-9]/.test(text) ? `−${text}` : text);
  const lead = (text) => turned(text.replace("+", "")).replace(/^(?=.*[1-9])(?!−)/, "+");
  return words
    .replace(/(^|beyond English )([+−]?[\d.]+)/g, (_, before, value) => before + lead(value))
    .replace(/\[([−\d.]+), ([−\d.]+)\]/g, (_, low, high) => `[${turned(high)}, ${turned(low)}]`);
};

// The page holds the words on each judged pair once.
const bothWays = (titles) => titles.concat(titles.map(mirrored));
const leadText = (words, css) => {
  const [lead = "–"] = /^[+−]?\d[\d.]*/.exec(words) || [];
  return css === "ns" ? `(${lead})` : lead;
};

const readPacked = (table) => {
  const read = (id) => ($(id) ? inflate($(id).textContent) : Promise.resolve(null));
  const width = table.columns.length - table.facts.length;
  const n = table.languages.length;
  // `maps`: of each pair all families together, then beyond English. `pairNames`: "a vs b", the first of the page first.
  const packed = { details: [], pairs: [], pairNames: [], groups: {}, maps: null, shownPair: 0 };
  packed.ready = Promise.all([read("cell-data"), read("pair-data")]).then(([cells, found]) => {
    packed.details = sentences(cells.titles);
    packed.groups = cells.groups;
    table.take(cells.more);
    for (const entry of table.languages) {
      const [branch, level, speakers] = cells.facts[entry.place];
      const words = `${entry.words} ${fold(branch)}`;
      Object.assign(entry, { branch, level: level === null ? "" : String(level), speakers, words });
    }
    if (!found) return;
    packed.maps = { css: found.maps.css, firm: found.maps.firm, titles: bothWays(sentences(found.maps.titles)) };
    packed.pairNames = found.names;
    const titles = bothWays(sentences(found.titles));
    // Each pair stands beside the same the other way round (pairs.py); here these come after all.
    const [css, mark, slots, verdicts] = [found.css, found.mark, found.slots, found.verdicts]
      .map((rows) => [0, 1].flatMap((way) => rows.filter((_, i) => i % 2 === way)));
    const each = titles.length / css.length;
    packed.pairs = css.map((own, i) => {
      const words = titles.slice(i * each, (i + 1) * each);
      const text = own.map((column, block) => column.map((one, place) => leadText(words[block * n + place], one)));
      return { text, css: own, mark: mark[i], titles: words, slots: slots[i], verdict: verdicts[i] };
    });
  });
  packed.pairNow = () => packed.pairs[packed.shownPair];
  packed.detail = ({ place, isLanguage }, column) => {
    if (column.isFact) return "";
    const own = packed.details[place * width + column.index - table.facts.length] || "";
    const pair = packed.pairNow();
    if (own || !pair || column.lead === undefined || !isLanguage) return own;
    return pair.titles[Number(column.lead) * n + place];
  };
  return packed;
};
