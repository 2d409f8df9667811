// Sends the file of a backup or an update as it is: the browser reads it piece by piece, whatever its size.
// The page's content comes anew when a chore has ended: nothing of it is kept here.

const at = (id) => document.getElementById(id);

function tell(words) {
  at("progress").hidden = true;
  at("upload-said").textContent = words;
  at("upload-said").hidden = false;
}

function send(form, file) {
  const request = new XMLHttpRequest();
  at("upload-said").hidden = true;
  at("progress").hidden = false;
  request.upload.addEventListener("progress", (sent) => {
    if (sent.lengthComputable) at("progress").value = (100 * sent.loaded) / sent.total;
  });
  request.addEventListener("load", () => {
    if (request.status === 204) location.assign(form.dataset.to);
    else tell([409, 507].includes(request.status) ? request.responseText : form.dataset.failed);
  });
  request.addEventListener("error", () => tell(form.dataset.failed));
  request.open("POST", form.getAttribute("action"));
  request.setRequestHeader("X-CSRF-Token", form.dataset.token);
  request.setRequestHeader("Content-Type", "application/octet-stream");
  request.send(file);
}

document.addEventListener("submit", (event) => {
  if (event.target.id !== "upload") return;
  event.preventDefault();
  const file = at("file").files[0];
  if (file) send(event.target, file);
});
