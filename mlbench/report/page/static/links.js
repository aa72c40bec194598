// Every section can be linked to, and embedded in another page: `#embed=ID` shows nothing but it.
"use strict";
(() => {
  const sections = [...document.querySelectorAll("main > section[id]")].filter((part) => part.querySelector("h2"));
  const here = () => location.href.split("#")[0];
  const copy = (text, button) => {
    const words = button.textContent;
    const say = (answer) => {
      button.textContent = answer;
      setTimeout(() => { button.textContent = words; }, 1500);
    };
    navigator.clipboard.writeText(text).then(() => say("copied"), () => say("not allowed here"));
  };
  for (const part of sections) {
    if (part.id === "language") continue;
    const head = part.querySelector("h2");
    const title = head.textContent.trim();
    const link = make("button", { type: "button", "aria-label": `Copy a link to: ${title}` }, "link");
    link.addEventListener("click", () => copy(`${here()}#${part.id}`, link));
    const embed = make("button", { type: "button", "aria-label": `Copy the code that embeds: ${title}` }, "embed");
    embed.addEventListener("click", () => copy(
      `<iframe src="${encodeURI(decodeURI(here()))}#embed=${part.id}" title="${title.replaceAll('"', "&quot;")}" width="100%" height="${Math.ceil(part.scrollHeight)}" loading="lazy"></iframe>`,
      embed,
    ));
    head.after(make("p", { class: "tools" }, link, " ", embed));
  }
  const shown = new URLSearchParams(location.hash.slice(1)).get("embed");
  const part = sections.find((one) => one.id === shown);
  if (part) {
    document.documentElement.classList.add("embedded");
    part.classList.add("embedded-part");
  }
})();
