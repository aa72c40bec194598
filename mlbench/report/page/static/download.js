// What is on screen, to download. What is raised beside a number has a column of its own: else "71.1" of
// two families would be 71.12.
"use strict";
const startDownloads = (table) => {
  const clean = (node) => node.textContent.replace(/\s+/g, " ").trim();
  const split = (cell) => {
    const mark = cell.querySelector(":scope > sup");
    const all = clean(cell);
    return mark ? [all.slice(0, all.length - clean(mark).length).trim(), clean(mark)] : [all, ""];
  };
  // Heads, and rows of texts.
  const shown = () => {
    const rows = table.shownRows();
    const columns = table.shownColumns().flatMap((column) => {
      const cells = rows.map((entry) => split(entry.cells[column.index]));
      const values = [table.headOf(column), cells.map(([value]) => value)];
      const marks = [`${table.headOf(column)}, marks`, cells.map(([, mark]) => mark)];
      return cells.some(([, mark]) => mark) ? [values, marks] : [values];
    });
    return [columns.map(([head]) => head), rows.map((_, i) => columns.map(([, texts]) => texts[i]))];
  };
  $("csv").addEventListener("click", () => {
    // A spreadsheet would run text that begins like a formula (mlbench/spreadsheet.py); numbers stay.
    const isRisky = (text) => /^'*[=+\-@]/.test(text) && !/^[+-]?[\d.,]*\s?%?$/.test(text);
    const quote = (text) => `"${(isRisky(text) ? "'" : "") + text.replaceAll('"', '""')}"`;
    const [heads, rows] = shown();
    const lines = [heads, ...rows].map((row) => row.map(quote).join(","));
    save("languages.csv", "text/csv", "\ufeff", [...lines, ""].join("\r\n"));
  });
  $("json").addEventListener("click", () => {
    const [heads, rows] = shown();
    const objects = rows.map((row) => Object.fromEntries(row.map((text, i) => [heads[i], text])));
    save("languages.json", "application/json", JSON.stringify(objects, null, 1));
  });
};
