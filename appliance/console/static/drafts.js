// What is half typed is kept by the desk (E18), so that it outlives a browser that ends: some moments
// after it was typed, and when the page is left. For its writer alone, for a day at most.

import { say } from "./console.js";

const SOON_MS = 1500;
const TOO_LONG = 413;
const NOT_KEPT = 409;
const tooLong = document.getElementById("draft-too-long");

/** Say, once, that what is typed is too long to be kept; or no more. */
function tell(isTooLong) {
  if (!tooLong || tooLong.hidden === !isTooLong) return;
  tooLong.hidden = !isTooLong;
  if (isTooLong) say(tooLong.textContent);
}

/** Return what keeps what `read` returns (null for nothing) in a place; to be called at each change.
    `refused` is called where the desk does not keep it: it may hold what was erased (E20). */
export function keeper(place, read, refused = () => {}) {
  let timer = 0;
  let last = null;

  function send() {
    clearTimeout(timer);
    timer = 0;
    const draft = read();
    const body = draft === null ? "" : JSON.stringify(draft);
    if (body === last) return;
    last = body;
    const own = JSON.parse(document.body.getAttribute("hx-headers") || "{}");
    const form = new URLSearchParams({ body });
    fetch(`/drafts/${encodeURIComponent(place)}`, { method: "POST", body: form, headers: own, keepalive: true })
      .then((answer) => {
        if (!answer.ok) last = null;
        tell(answer.status === TOO_LONG);
        if (answer.status === NOT_KEPT) refused();
      }, () => { last = null; });
  }

  addEventListener("pagehide", () => { if (timer) send(); });
  return () => { timer ||= setTimeout(send, SOON_MS); };
}

/** Return what was typed in a place before, null for nothing. */
export async function fetched(place) {
  try {
    const answer = await fetch(`/drafts/${encodeURIComponent(place)}`, { headers: { Accept: "application/json" } });
    return answer.ok && !answer.redirected ? await answer.json() : null;
  } catch (error) {
    return null;
  }
}
