// Follows a run that goes on: asks for its numbers every second, and shows the page anew at its end.
"use strict";

const panel = document.getElementById("run");
const show = (name, text) => { panel.querySelector(`[data-show="${name}"]`).textContent = text; };

async function follow() {
  const answer = await fetch(panel.dataset.url, { headers: { Accept: "application/json" } });
  if (answer.status === 401) { location.reload(); return; } // to the way in
  if (!answer.ok) throw new Error(`${answer.status}`);
  const run = await answer.json();
  if (run.status !== "running") { location.reload(); return; }
  const done = run.classified + run.failed + run.skipped;
  for (const name of ["listed", "classified", "failed", "skipped"]) show(name, run[name].toLocaleString("en"));
  const bar = panel.querySelector("progress");
  if (run.expected) { bar.max = run.expected; bar.value = done; }
  const left = run.expected && run.photos_per_second ? (run.expected - done) / run.photos_per_second : null;
  show("speed", `${run.photos_per_second.toLocaleString("en")} photos a second`
    + (left === null ? "" : `, about ${Math.ceil(left)} s left`));
  setTimeout(attempt, 1000);
}

function attempt() {
  follow().catch(() => { show("speed", "The service does not answer; trying again."); setTimeout(attempt, 3000); });
}

if (panel.dataset.status === "running") attempt();
