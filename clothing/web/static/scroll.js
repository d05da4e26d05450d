// Brings the next part of the photos before the reader comes to the end; without it the link does.
// Who comes back from a photo finds the list as long as before, and the place in it.
"use strict";

const list = document.getElementById("photos");
const left = history.state; // how the list was when somebody went on from it
let parts = 0; // that were brought

async function bring(link) {
  const answer = await fetch(link.href, { headers: { Accept: "text/html" } });
  if (!answer.ok || answer.redirected) throw new Error(`${answer.status}`); // to the way in
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  list.append(...page.querySelectorAll("#photos > li"));
  parts += 1;
  const next = page.getElementById("more");
  if (next) link.href = next.getAttribute("href"); else link.remove();
}

function watch(link) {
  let busy = false;
  const watcher = new IntersectionObserver(async (seen) => {
    // Several may have gathered, of which the last is true: nothing more comes while it is.
    if (!seen.at(-1).isIntersecting || busy) return;
    busy = true;
    try { await bring(link); } catch { watcher.disconnect(); return; } // the link is still there
    busy = false;
    watcher.unobserve(link); // observing anew tells at once whether it is still in sight
    if (link.isConnected) watcher.observe(link);
  }, { rootMargin: "1500px" });
  watcher.observe(link);
}

async function restore(link) {
  while (parts < left.parts && link.isConnected) await bring(link);
  scrollTo(0, left.top);
}

async function begin(link) {
  try { if (left) await restore(link); } catch { /* the link is still there */ }
  watch(link);
}

document.addEventListener("click", () => history.replaceState({ parts, top: scrollY }, ""), true);
const more = document.getElementById("more");
if (list && more) begin(more);
