// The table as it was written: its rows, columns and cells, and which columns are shown. No number is
// formatted here a second time: what is made later has its text from the same hand.
"use strict";
const readTable = (heat) => {
  const bodies = [...heat.tBodies]; // the pinned rows, then the groups
  const facts = [...heat.tHead.rows[0].cells].filter((th) => th.rowSpan === 2);
  // Columns `more` have no cells in the markup: they are made when they are first shown.
  const columns = [...facts, ...heat.tHead.rows[1].cells].map((th, index) => {
    const isMore = th.classList.contains("more");
    th.hidden = isMore;
    return { th, index, ...th.dataset, isFact: index < facts.length, isShown: !isMore, isMade: !isMore };
  });
  const columnOf = new WeakMap();
  const n = heat.querySelectorAll("tr[data-tag]").length;
  const all = bodies.flatMap((body) => [...body.rows]).map((row) => {
    const made = columns.filter((column) => column.isMade);
    const cells = [];
    made.forEach((column, i) => { cells[column.index] = row.cells[i]; columnOf.set(row.cells[i], column); });
    return {
      row, cells,
      place: row.dataset.mean === undefined ? Number(row.dataset.i) : n + Number(row.dataset.mean), // in packed data
      isLanguage: row.dataset.mean === undefined,
      body: row.parentElement,
      isEnglish: row.classList.contains("english"),
      name: cells[0].querySelector(".n").textContent,
      tag: row.dataset.tag || "",
      script: cells[1].textContent,
      family: cells[2].textContent,
      words: fold(made.slice(0, facts.length).map((_, i) => cells[i].textContent).join(" ")),
    };
  });
  const languages = all.filter((entry) => entry.isLanguage).sort((a, b) => a.place - b.place);
  const sections = bodies.map((body) => all.filter((entry) => entry.body === body));
  const at = new Map(all.map((entry) => [entry.row, entry]));
  const groups = [...heat.tHead.querySelectorAll("th.group")];
  let first = facts.length;
  for (const th of groups) {
    const mine = columns.slice(first, first + Number(th.dataset.n));
    mine.forEach((column) => { column.group = th; });
    first += mine.length;
  }
  const titleOf = (column) => column.group.firstChild.textContent.trim();
  // The name of a model as its column has it.
  const shortOf = (model) => (columns.find((column) => column.model === model) || { th: { dataset: { name: model } } }).th.dataset.name;
  const headOf = (column) => (column.group ? `${titleOf(column)}: ` : "") + column.th.textContent.trim();

  let more = []; // texts, classes and marks of the columns `more`, by column; from packed.js
  const cellFor = (entry, column) => {
    const own = entry.cells[column.index];
    if (own) return own;
    return setCell(make("td"), ...more[column.index - facts.length].map((part) => part[entry.place]));
  };
  const makeColumn = (column) => {
    const next = columns.slice(column.index).find((other) => other.isMade);
    for (const entry of all) {
      const cell = cellFor(entry, column);
      entry.row.insertBefore(cell, next ? entry.cells[next.index] : null);
      entry.cells[column.index] = cell;
      columnOf.set(cell, column);
    }
    column.isMade = true;
  };
  const fits = (column, view) => {
    const [, kind, name] = /^(\w*):?(.*)$/s.exec(view);
    if (column.isFact || kind === "all") return true;
    if (!kind) return !column.th.classList.contains("more");
    if (kind === "family") return column.block === name;
    if (kind === "model") return column.model === name && column.kind !== "mean";
    if (kind === "leads") return column.kind === "lead";
    return column.kind === "mean";
  };
  const show = async (view, ready) => {
    const isKnown = columns.some((column) => !column.isFact && fits(column, view));
    const changed = columns.filter((column) => fits(column, isKnown ? view : "") !== column.isShown);
    if (changed.some((column) => !column.isMade)) await ready;
    for (const column of changed) {
      column.isShown = !column.isShown;
      if (!column.isMade) makeColumn(column);
      column.th.hidden = !column.isShown;
      for (const entry of all) entry.cells[column.index].hidden = !column.isShown;
    }
    for (const group of groups) {
      const n = columns.filter((column) => column.group === group && column.isShown).length;
      group.hidden = !n;
      if (n) group.colSpan = n;
    }
  };
  const shownColumns = () => columns.filter((column) => column.isShown);
  const shownRows = () => [...heat.tBodies].filter((body) => !body.hidden)
    .flatMap((body) => [...body.rows]).filter((row) => !row.hidden).map((row) => at.get(row));
  return {
    heat, facts, columns, all, languages, sections, at, columnOf, titleOf, headOf, shortOf, cellFor, show,
    shownColumns, shownRows, take: (columnsOfMore) => { more = columnsOfMore; },
  };
};
