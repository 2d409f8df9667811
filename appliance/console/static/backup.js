// Sends a backup's file as it is: the browser reads it piece by piece, whatever its size.

const form = document.getElementById("upload");
const progress = document.getElementById("progress");
const said = document.getElementById("upload-said");

function tell(words) {
  progress.hidden = true;
  said.textContent = words;
  said.hidden = false;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const file = document.getElementById("file").files[0];
  if (!file) return;
  const request = new XMLHttpRequest();
  said.hidden = true;
  progress.hidden = false;
  request.upload.addEventListener("progress", (sent) => {
    if (sent.lengthComputable) progress.value = (100 * sent.loaded) / sent.total;
  });
  request.addEventListener("load", () => {
    if (request.status === 204) location.assign("/plant/backup");
    else tell(request.status === 409 || request.status === 507 ? request.responseText : form.dataset.failed);
  });
  request.addEventListener("error", () => tell(form.dataset.failed));
  request.open("POST", form.getAttribute("action"));
  request.setRequestHeader("X-CSRF-Token", form.dataset.token);
  request.setRequestHeader("Content-Type", "application/octet-stream");
  request.send(file);
});
