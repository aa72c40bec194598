// What is on screen, to download.
"use strict";
const startDownloads = (table) => {
  const cells = () => table.shownRows().map((entry) => table.shownColumns()
    .map((column) => [column, entry.cells[column.index].textContent.replace(/\s+/g, " ").trim()]));
  $("csv").addEventListener("click", () => {
    // A spreadsheet would run text that begins like a formula (mlbench/spreadsheet.py); numbers stay.
    const isRisky = (text) => /^'*[=+\-@]/.test(text) && !/^[+-]?[\d.,]*\s?%?$/.test(text);
    const quote = (text) => `"${(isRisky(text) ? "'" : "") + text.replaceAll('"', '""')}"`;
    const heads = table.shownColumns().map((column) => quote(table.headOf(column)));
    const lines = cells().map((row) => row.map(([, text]) => quote(text)).join(","));
    save("languages.csv", "text/csv", "\ufeff", [heads.join(","), ...lines, ""].join("\r\n"));
  });
  $("json").addEventListener("click", () => save("languages.json", "application/json", JSON.stringify(
    cells().map((row) => Object.fromEntries(row.map(([column, text]) => [table.headOf(column), text]))), null, 1,
  )));
};
