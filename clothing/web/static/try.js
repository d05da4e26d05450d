// Classifies a photo as soon as it is chosen, taken or dropped; without it the button does.
"use strict";

const form = document.getElementById("try");
const place = document.getElementById("answer");
const photo = document.getElementById("photo");
let chosen; // or taken with the camera
let turn = 0; // of the photo chosen last: an answer about one before it comes too late

form.querySelector(".camera").hidden = false;

function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  if (text) made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

// As the pages say it: never 100 % of what is not all, nor 0 % of what is some.
function percent(share) {
  const whole = Math.round(share * 100);
  if (whole === 100 && share < 1 - 1e-12) return "> 99 %";
  if (whole === 0 && share > 1e-12) return "< 1 %";
  return `${whole} %`;
}

async function picture(file) {
  const image = await createImageBitmap(file);
  const scale = Math.min(1, 640 / Math.max(image.width, image.height));
  const canvas = element("canvas", "", { class: "whole", role: "img", "aria-label": "Your photo" });
  canvas.width = image.width * scale;
  canvas.height = image.height * scale;
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  return canvas;
}

function chances(probabilities) {
  const table = element("table", "", { class: "chances" });
  const sorted = Object.entries(probabilities).sort((one, other) => other[1] - one[1]);
  sorted.forEach(([category, share], rank) => {
    const row = element("tr", "", rank ? {} : { class: "chosen" });
    const bar = element("td");
    bar.append(element("meter", "", { value: share, "aria-label": `${category}: ${percent(share)}` }));
    row.append(element("th", category, { scope: "row" }), bar, element("td", percent(share)));
    table.append(row);
  });
  return table;
}

function shown(answer) {
  const title = element("h2", answer.predicted_category);
  title.append(" ", element("span", percent(answer.confidence), { class: "confidence" }));
  const reason = answer.needs_review ? [element("p", `A person should look: ${answer.review_reason}`, { class: "reason" })] : [];
  return [title, ...reason, chances(answer.probabilities), element("p", `Model ${answer.model_version}`, { class: "quiet" })];
}

// What the service says of a photo, as parts of the page.
async function said(file) {
  const body = new FormData();
  body.append("photo", file, file.name || "photo");
  try {
    const sent = await fetch(form.dataset.url, { method: "POST", body, headers: { Accept: "application/json" } });
    if (sent.status === 401) { location.reload(); return []; } // to the way in
    const answer = await sent.json();
    return sent.ok ? shown(answer) : [element("p", answer.detail, { class: "bad" })];
  } catch {
    return [element("p", "The service does not answer. Try again.", { class: "bad" })];
  }
}

async function classify(file) {
  const mine = ++turn;
  place.replaceChildren(element("p", "One moment …", { class: "quiet" }));
  const answer = await said(file);
  if (mine === turn) place.replaceChildren(...answer);
  const drawn = await picture(file).catch(() => ""); // a browser does not know every format
  if (mine === turn) place.append(drawn);
}

function choose(file) {
  chosen = file;
  photo.required = !chosen;
  if (chosen) classify(chosen);
}

// Puts a file where the browser says which one is chosen.
function enter(file) {
  const only = new DataTransfer();
  only.items.add(file);
  photo.files = only.files;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (chosen) classify(chosen);
});
form.addEventListener("change", (event) => choose(event.target.files[0]));
form.addEventListener("dragover", (event) => { event.preventDefault(); form.classList.add("over"); });
form.addEventListener("dragleave", () => form.classList.remove("over"));
form.addEventListener("drop", (event) => {
  event.preventDefault();
  form.classList.remove("over");
  const [file] = event.dataTransfer.files;
  if (!file) return; // a text or a link
  enter(file);
  choose(file);
});
