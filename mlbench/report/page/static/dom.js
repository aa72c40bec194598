// Makes elements. Foreign text reaches the page only through this, and never as markup.
"use strict";
const $ = (id) => document.getElementById(id);

const make = (tag, facts = {}, ...inside) => {
  const node = /^(svg|path|text|svg:a)$/.test(tag)
    ? document.createElementNS("http://www.w3.org/2000/svg", tag.replace("svg:", ""))
    : document.createElement(tag);
  for (const [key, value] of Object.entries(facts)) {
    if (key === "on") node.addEventListener("click", value);
    else node.setAttribute(key, value);
  }
  node.append(...inside);
  return node;
};

const setCell = (cell, text, css, mark) => {
  cell.textContent = text;
  cell.className = css;
  if (mark) cell.append(make("sup", {}, mark));
  return cell;
};

// Writes a text as it is looked for: without accents and capitals.
const fold = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLocaleLowerCase();

const LETTERS =
  "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%:()*+-;,=.?@^_`{|}~";
const VALUES = new Map([...LETTERS].map((letter, value) => [letter, value]));

// Reads the base85 of packing.py: five letters are four bytes.
const bytesOf = (text) => {
  const bytes = new Uint8Array(4 * Math.ceil(text.length / 5));
  for (let at = 0, to = 0; at < text.length; at += 5, to += 4) {
    let word = 0;
    for (let place = at; place < at + 5; place++) word = 85 * word + (VALUES.get(text[place]) ?? 84);
    for (let byte = 0; byte < 4; byte++) bytes[to + byte] = word >>> (24 - 8 * byte);
  }
  return bytes.subarray(0, Math.floor((4 * text.length) / 5));
};

// What is too large for markup stands in the page as gzip in base85.
const inflate = async (text) => {
  const stream = new Blob([bytesOf(text)]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
};

// Puts the sentences of packing.py together again.
const sentences = ({ distinct, which, numbers }) => {
  const next = numbers.map(() => 0);
  return which.map((one) => {
    let place = 0;
    return distinct[one].replaceAll("\x1f", () => numbers[place][next[place++]++]);
  });
};

// Hands the reader a file.
const save = (name, type, ...parts) => {
  const link = make("a", { download: name, href: URL.createObjectURL(new Blob(parts, { type })) });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
};
