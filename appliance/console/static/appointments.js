// The week before and the week after by the arrow keys, outside of fields (E22).
import { isTyping } from "./console.js";

const WAYS = { ArrowLeft: "prev", ArrowRight: "next" };

document.addEventListener("keydown", (event) => {
  const way = WAYS[event.key];
  if (!way || isTyping(event) || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) {
    return;
  }
  event.preventDefault();
  document.querySelector(`a[rel="${way}"]`).click();
});
