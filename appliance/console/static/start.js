// The first start: phones and calls are looked at every two seconds.

const EVERY_MS = 2_000;
const LIMIT_MS = 8_000;

const place = document.querySelector("[data-live]");

async function look() {
  try {
    const answer = await fetch(place.dataset.live, { signal: AbortSignal.timeout(LIMIT_MS) });
    const html = answer.ok && !answer.redirected ? await answer.text() : null;
    // Only what has changed is put there, and heard.
    if (html !== null && html !== place.dataset.seen) {
      // The focus stays where it is, and what has not changed stays.
      window.Idiomorph.morph(place, html, { morphStyle: "innerHTML" });
      place.dataset.seen = html;
    }
  } catch (error) {
    // Nobody answers: it is looked at again.
  }
  setTimeout(look, EVERY_MS);
}

if (place) setTimeout(look, EVERY_MS);
