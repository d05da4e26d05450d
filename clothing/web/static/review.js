// Sends each answer without loading the page anew, shows the next photo, and answers by single keys.
"use strict";

const place = document.getElementById("review");
const said = document.getElementById("said");
const keys = document.getElementById("keys");
const byKeys = keys.querySelector("input");
let busy = false;

async function send(form, button) {
  if (busy) return;
  busy = true;
  const waiting = setTimeout(() => { said.textContent = "Saving …"; }, 1000); // a database may wake up
  const fields = new FormData(form);
  fields.set("answer", button.value);
  fields.set("part", "1");
  try {
    const answer = await fetch(form.action, { method: "POST", body: fields, headers: { Accept: "text/html" } });
    if (answer.redirected) { location.assign(answer.url); return; }
    if (!answer.ok) throw new Error(`${answer.status}`);
    show(await answer.text());
  } catch {
    said.textContent = "The answer was not saved: the service does not take it. Try again, or load the page anew.";
  } finally {
    clearTimeout(waiting);
    busy = false;
  }
}

function show(inside) {
  const focused = place.contains(document.activeElement);
  place.innerHTML = inside;
  if (focused) place.querySelector("h1").focus({ preventScroll: true });
  (place.querySelector("figure") ?? place).scrollIntoView({ block: "nearest" });
  const read = [...place.querySelectorAll("[data-read]")].map((part) => part.textContent.trim());
  const heard = document.createElement("span"); // who sees has it before them
  heard.className = "hidden";
  heard.textContent = ` ${read.join(", ")}`;
  said.replaceChildren(place.firstElementChild.dataset.said, heard);
  hint();
  preload();
}

// Hints at keys stand there only while keys answer.
function hint() {
  place.classList.toggle("by-keys", byKeys.checked);
  for (const key of place.querySelectorAll("kbd")) {
    if (byKeys.checked) key.parentElement.setAttribute("aria-keyshortcuts", key.textContent);
    else key.parentElement.removeAttribute("aria-keyshortcuts");
  }
}

function preload() {
  const next = place.querySelector("form").dataset.next;
  if (next) new Image().src = next;
}

async function tellGone(image) {
  const gone = document.createElement("p");
  gone.className = "no-picture";
  image.replaceWith(gone);
  const answer = await fetch(image.src).catch(() => null); // a picture does not tell why it failed
  gone.textContent = answer?.status === 404
    ? "The photo is gone or has changed. Photograph again takes it out of the queue."
    : "The photo cannot be shown just now. Skip it, or load the page anew.";
}

// The second click of a double one would answer the next photo, which nobody has seen yet.
place.addEventListener("click", (event) => { if (event.detail > 1) event.preventDefault(); });

place.addEventListener("submit", (event) => {
  event.preventDefault();
  if (event.submitter) send(event.target, event.submitter);
});

place.addEventListener("error", (event) => tellGone(event.target), true);
for (const image of place.querySelectorAll("img")) { // one may have failed before anybody listened
  if (image.complete && !image.naturalWidth) tellGone(image);
}

document.addEventListener("keydown", (event) => {
  if (!byKeys.checked || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
  const button = [...place.querySelectorAll("button[data-key]")].find(({ dataset }) => dataset.key === event.key.toLowerCase());
  if (button) send(button.form, button);
});

keys.hidden = false;
byKeys.checked = localStorage.getItem("keys") !== "off";
byKeys.addEventListener("change", () => { localStorage.setItem("keys", byKeys.checked ? "on" : "off"); hint(); });
hint();
preload();
