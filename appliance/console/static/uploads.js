// Sends the file of a backup, an update or the head office's settings in pieces: a connection that
// breaks costs the rest of one piece, and goes on by itself once the box answers again.
// appliance/console/uploads.py says how the box takes them.

const PIECE = 8 * 1024 * 1024; // bytes: a minute on a slow line
const WAITS_S = [1, 2, 4, 8, 15, 30, 60]; // pauses before the next try, two minutes in all

const at = (id) => document.getElementById(id);
const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
let isSending = false;

function tell(words) {
  at("upload-said").textContent = words;
  at("upload-said").hidden = !words;
}

// The same file chosen again has the same name, also after the page was closed.
const nameOf = (file) => `${encodeURIComponent(file.name)} ${file.size} ${file.lastModified}`;

function sendPiece(form, file, start, end) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.upload.addEventListener("progress", (sent) => {
      at("progress").value = (100 * (start + sent.loaded)) / file.size;
    });
    request.addEventListener("load", () => resolve(request));
    request.addEventListener("error", reject);
    request.open("POST", form.getAttribute("action"));
    request.setRequestHeader("X-CSRF-Token", form.dataset.token);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.setRequestHeader("Upload-File", nameOf(file));
    request.setRequestHeader("Upload-Length", file.size);
    request.setRequestHeader("Upload-Offset", start);
    request.send(file.slice(start, end));
  });
}

// Returns what is wrong, "" once the file is whole.
async function send(form, file) {
  let start = 0;
  let end = 0; // the first body is empty: it asks how much has come
  for (let failures = 0; ; ) {
    let answer;
    try {
      answer = await sendPiece(form, file, start, end);
    } catch {
      if (failures === WAITS_S.length) return form.dataset.failed;
      tell(form.dataset.waits);
      await pause(WAITS_S[failures++]);
      end = start;
      continue;
    }
    if (answer.status === 204) return "";
    if ([409, 507].includes(answer.status)) return answer.responseText;
    if (answer.status !== 202) return form.dataset.failed;
    const have = Number(answer.getResponseHeader("Upload-Offset"));
    if (have > start) failures = 0;
    start = have;
    end = Math.min(start + PIECE, file.size);
    tell("");
  }
}

document.addEventListener("submit", async (event) => {
  if (event.target.id !== "upload") return;
  event.preventDefault();
  const form = event.target;
  const file = at("file").files[0];
  if (!file || isSending) return;
  isSending = true;
  tell("");
  at("progress").hidden = false;
  const wrong = await send(form, file);
  isSending = false;
  at("progress").hidden = true;
  if (wrong) tell(wrong);
  else location.assign(form.dataset.to);
});
