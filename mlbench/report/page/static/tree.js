// Folding the branches of a language family; without the script all of them stand open.
"use strict";
for (const head of document.querySelectorAll(".tree .group th")) {
  const branches = [];
  for (let row = head.parentElement.nextElementSibling; row && row.classList.contains("branch"); row = row.nextElementSibling) branches.push(row);
  if (!branches.length) continue;
  const button = make("button", { type: "button", class: "fold", "aria-expanded": "true" }, ...head.childNodes);
  button.addEventListener("click", () => {
    const isOpen = button.getAttribute("aria-expanded") === "true";
    button.setAttribute("aria-expanded", String(!isOpen));
    for (const row of branches) row.hidden = isOpen;
  });
  head.append(button);
}
