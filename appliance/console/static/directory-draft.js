// A declaration that is half typed is kept by call control (E18), but for the offices' numbers, which
// stay in the directory alone.

import { keeper } from "./drafts.js";

const form = document.querySelector("form[data-draft]");
const LEFT_OUT = ["csrf", "do"];

const keep = keeper(form.dataset.draft, () => {
  const fields = [...new FormData(form)].filter(([name, value]) =>
    typeof value === "string" && value && !LEFT_OUT.includes(name) && !name.endsWith(".number"));
  return { fields };
});

form.addEventListener("input", keep);
form.addEventListener("change", keep);
if (form.hasAttribute("data-typed")) keep(); // rows were added, or what was sent needs mending
