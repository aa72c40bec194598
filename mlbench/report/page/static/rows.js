// Sorting and hiding the rows of the table.
"use strict";
const sortingOf = (table, sort) => {
  const cut = sort.lastIndexOf("|");
  return { column: table.columns.find((c) => c.key === sort.slice(0, cut)), way: sort.slice(cut + 1) };
};

const sortRows = (table, sort) => {
  const { column, way } = sortingOf(table, sort);
  table.columns.forEach(({ th }) => th.removeAttribute("aria-sort"));
  const [, ...groups] = table.sections;
  // Sorted, the languages leave their groups for one list; else each stands under its group again.
  const sorted = table.heat.tBodies[table.sections.length] || table.heat.createTBody();
  for (const entries of groups) {
    entries[0].body.hidden = Boolean(column);
    if (!column && sorted.rows.length) entries[0].body.append(...entries.map((entry) => entry.row));
  }
  sorted.hidden = !column;
  if (column) {
    const free = groups.flat().filter((entry) => entry.isLanguage);
    column.th.setAttribute("aria-sort", way === "up" ? "ascending" : "descending");
    const key = (entry) => (column.index === 0 ? entry.name
      : column.isFact ? entry.cells[column.index].textContent : numberOf(table.cellFor(entry, column).firstChild));
    const keys = new Map(free.map((entry) => [entry, key(entry)]));
    free.sort((a, b) => compare(keys.get(a), keys.get(b), way === "up" ? 1 : -1) || a.place - b.place);
    sorted.append(...free.map((entry) => entry.row));
  }
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
  for (const [head, ...rest] of table.sections.slice(1)) head.row.hidden = rest.every((entry) => entry.row.hidden);
  $("count").textContent = `${shown} of ${table.languages.length} languages`;
};
