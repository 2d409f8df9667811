// Asks the browser whether it trusts the box: it takes a worker only over a connection without an
// error of the certificate, also where a person has waved the warning through (Service Workers, 6.2).

const trust = document.getElementById("trust");

function show(answer) {
  for (const one of trust.querySelectorAll("[data-answer]")) one.hidden = one.dataset.answer !== answer;
}

async function ask() {
  if (!("serviceWorker" in navigator)) return "unknown";
  try {
    const worker = await navigator.serviceWorker.register(trust.dataset.probe);
    await worker.unregister();
    return "yes";
  } catch (error) {
    return error.name === "SecurityError" ? "no" : "unknown";
  }
}

if (trust) show(await ask());
