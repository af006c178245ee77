// What a script adds where there is one. Every page works without; nothing is fetched, nothing is stored.
"use strict";

// Tables whose cells are places in time: arrow keys go from cell to cell, and one of them is a stop of the tab key in place of all.
for (const table of document.querySelectorAll("table[data-moves]")) {
  const rows = [...table.tBodies[0].rows].map((row) => [...row.cells].slice(1, -1).map((cell) => cell.querySelector("a")));
  const all = rows.flat().filter(Boolean);
  const readout = document.querySelector("[data-readout]");
  const rtl = () => getComputedStyle(table).direction === "rtl";
  let here = all.at(-1);
  const rest = (link) => {
    for (const other of all) other.tabIndex = other === link ? 0 : -1;
    here = link;
  };
  if (here) rest(here);
  const next = (y, x, dy, dx) => {
    for (y += dy, x += dx; rows[y] && x >= 0 && x < rows[y].length; y += dy, x += dx) if (rows[y][x]) return rows[y][x];
    return undefined;
  };
  table.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const y = rows.findIndex((row) => row.includes(event.target));
    if (y < 0) return;
    const x = rows[y].indexOf(event.target);
    const ahead = rtl() ? -1 : 1;
    const to = {
      ArrowRight: () => next(y, x, 0, ahead),
      ArrowLeft: () => next(y, x, 0, -ahead),
      ArrowDown: () => next(y, x, 1, 0),
      ArrowUp: () => next(y, x, -1, 0),
      Home: () => rows[y].find(Boolean),
      End: () => rows[y].findLast(Boolean),
    }[event.key]?.();
    if (!to) return;
    event.preventDefault();
    rest(to);
    to.focus();
  });
  // What a cell says stands in one place as well, for those who see but cannot hover.
  const tell = (event) => {
    const link = event.target.closest?.("a.slot");
    if (link && readout) readout.textContent = `${link.closest("tr").cells[0].textContent.trim()} – ${link.title}`;
    if (link && event.type === "focusin") rest(link);
  };
  table.addEventListener("focusin", tell);
  table.addEventListener("pointerover", tell);
}

// Commands to type: a button that copies them.
for (const pre of document.querySelectorAll("pre[data-copy]")) {
  if (!navigator.clipboard) break;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "plain copy";
  button.textContent = pre.dataset.copy;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(pre.textContent.trim());
    button.textContent = pre.dataset.copied;
  });
  pre.after(button);
}
