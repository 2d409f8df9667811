// A long list that is narrowed as one types: every word must stand somewhere in a row; accents and
// case do not matter. Without this script the whole list is there.

const field = document.querySelector("[data-filter]");
const none = document.getElementById("filter-none");
const rows = [...document.querySelectorAll(field.dataset.filter)];
const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

field.addEventListener("input", () => {
  const words = plain(field.value).split(/\s+/).filter(Boolean);
  for (const row of rows) {
    const text = plain(row.textContent);
    row.hidden = !words.every((word) => text.includes(word));
    const folded = row.closest("details");
    if (folded && words.length && !row.hidden) folded.open = true;
  }
  const isNone = rows.every((row) => row.hidden);
  if (none.hidden !== !isNone) none.textContent = isNone ? field.dataset.none : "";
  none.hidden = !isNone;
});
