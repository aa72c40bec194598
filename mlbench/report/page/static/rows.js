// Sorting and hiding the rows of the table.
"use strict";
const sortingOf = (table, sort) => {
  const cut = sort.lastIndexOf("|");
  return { column: table.columns.find((c) => c.key === sort.slice(0, cut)), way: sort.slice(cut + 1) };
};

const sortRows = (table, sort) => {
  const { column, way } = sortingOf(table, sort);
  table.columns.forEach(({ th }) => th.removeAttribute("aria-sort"));
  const free = table.languages.filter((entry) => !entry.isEnglish);
  free.sort((a, b) => a.place - b.place);
  if (column) {
    column.th.setAttribute("aria-sort", way === "up" ? "ascending" : "descending");
    const key = (entry) => (column.index === 0 ? entry.name
      : column.isFact ? entry.cells[column.index].textContent : numberOf(table.cellFor(entry, column).firstChild));
    const keys = new Map(free.map((entry) => [entry, key(entry)]));
    free.sort((a, b) => compare(keys.get(a), keys.get(b), way === "up" ? 1 : -1) || a.place - b.place);
  }
  const pinned = [...table.languages.filter((entry) => entry.isEnglish), ...(table.means ? [table.means] : [])];
  const order = [...pinned, ...free].map((entry) => entry.row);
  if (order.some((row, place) => row !== table.body.rows[place])) table.body.append(...order);
};

const filterRows = (table, state) => {
  const wanted = fold(state.find.trim());
  let shown = 0;
  for (const entry of table.languages) {
    const is = (key, own) => !state[key] || state[key] === own;
    const fitting = entry.words.includes(wanted) && is("script", entry.script)
      && is("family", entry.family) && is("class", entry.level);
    entry.row.hidden = !fitting && !entry.isEnglish;
    shown += fitting;
  }
  $("count").textContent = `${shown} of ${table.languages.length} languages`;
};
