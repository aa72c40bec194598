// The data that stands in the page packed: what is behind each cell, the columns that have no markup,
// and every pair. `ready` is there before they are.
"use strict";
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
    packed.maps = { css: found.maps.css, titles: sentences(found.maps.titles) };
    packed.pairNames = found.names;
    const titles = sentences(found.titles);
    const each = titles.length / found.text.length;
    packed.pairs = found.text.map((text, i) => ({
      text, css: found.css[i], mark: found.mark[i], titles: titles.slice(i * each, (i + 1) * each),
      slots: found.slots[i], verdict: found.verdicts[i],
    }));
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
