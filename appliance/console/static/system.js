// The technician's page stays as it is: what was opened stays open, the focus where it was.

import { deskIsAway } from "./console.js";

const part = document.getElementById("plant");
const KEEP = {
  morphStyle: "innerHTML",
  callbacks: {
    // whether a list is open is the reader's choice
    beforeAttributeUpdated: (name, node) => !(name === "open" && node.tagName === "DETAILS"),
  },
};

const events = new EventSource("/plant/live");
events.addEventListener("live", (event) => window.Idiomorph.morph(part, event.data, KEEP));
events.addEventListener("away", (event) => deskIsAway(event.data === "1"));
events.addEventListener("out", () => { events.close(); location.reload(); });
events.addEventListener("error", () => deskIsAway(true));
