// Reading a cell: one is in the tab order, arrows move from there, and the strip below says what it
// holds. `open` shows the page of a language.
"use strict";
const startCells = (table, detail, open) => {
  let here = null;
  const stand = (cell) => {
    if (here) { here.classList.remove("at"); here.tabIndex = -1; }
    here = cell;
    cell.tabIndex = 0;
    cell.classList.add("at");
    const entry = table.at.get(cell.parentElement);
    const column = table.columnOf.get(cell);
    const text = detail(entry, column);
    $("detail").textContent = text ? `${entry.name}, ${table.headOf(column)}: ${text}` : "";
  };
  const leave = () => {
    if (here) here.classList.remove("at");
    $("detail").textContent = "";
  };
  const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  const move = (cell, [down, right]) => {
    const seen = table.shownRows();
    const entry = seen[seen.indexOf(table.at.get(cell.parentElement)) + down];
    const shown = table.shownColumns();
    const column = shown[shown.indexOf(table.columnOf.get(cell)) + right];
    const next = entry && column && entry.cells[column.index];
    if (next && next.tagName === "TD") { stand(next); next.focus(); }
  };
  const cellOf = (event) => event.target.closest("#heat tbody td");
  table.heat.addEventListener("click", (event) => {
    if (event.target.closest("a.n")) { event.preventDefault(); open(table.at.get(event.target.closest("tr")).tag); }
    else if (cellOf(event)) { stand(cellOf(event)); here.focus({ preventScroll: true }); }
  });
  table.heat.addEventListener("focusin", (event) => { if (cellOf(event)) stand(cellOf(event)); });
  table.heat.addEventListener("mouseover", (event) => {
    const cell = cellOf(event);
    if (cell) cell.title = detail(table.at.get(cell.parentElement), table.columnOf.get(cell));
  });
  table.heat.addEventListener("keydown", (event) => {
    if (event.target.tagName !== "TD") return;
    if (moves[event.key]) { event.preventDefault(); move(event.target, moves[event.key]); }
    const { tag } = table.at.get(event.target.parentElement);
    if (event.key === "Enter" && tag) open(tag);
  });
  const start = table.languages[0] && table.columns.find((column) => !column.isFact);
  if (start) table.languages[0].cells[start.index].tabIndex = 0;
  return leave;
};
