// Keeps a page current: fetches it again when results come (or time has passed) and puts in what has changed.
// The server renders everything; no text of a record is ever made into markup here.
"use strict";

const main = document.getElementById("content");
const note = document.getElementById("live-note");
const noteText = document.getElementById("live-text");
const pause = document.getElementById("live-pause");
const SOON_MS = 150;
const LEAST_MS = 1000;
let paused = false;
let source = null;
let timer = null;
let fetching = false;
let wait = 0;
let last = 0;

function changed(have, got) {
  return have.outerHTML !== got.outerHTML;
}

// Replaces the children of an element; those with the same id and the same content stay, and keep the focus;
// what somebody has opened is not closed under their hands.
function merge(have, got) {
  if (have.querySelector("details[open]") && got.querySelector("details")) return;
  const known = new Map([...have.children].filter((child) => child.id).map((child) => [child.id, child]));
  if (!known.size || [...got.children].some((child) => !child.id)) {
    if (have.innerHTML !== got.innerHTML) have.replaceChildren(...got.childNodes);
    return;
  }
  let place = have.firstElementChild;
  for (const fresh of [...got.children]) {
    const old = known.get(fresh.id);
    known.delete(fresh.id);
    const row = old && !changed(old, fresh) ? old : fresh;
    if (old && row === fresh) {
      if (place === old) place = old.nextElementSibling;
      old.remove();
    }
    if (row === place) place = row.nextElementSibling;
    else have.insertBefore(row, place);
  }
  for (const old of known.values()) old.remove();
}

function say(text, fault) {
  if (!note) return;
  note.hidden = false;
  note.classList.toggle("bad", Boolean(fault));
  noteText.textContent = text;
}

async function refresh() {
  if (paused || fetching || document.hidden) return;
  fetching = true;
  last = performance.now();
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store" });
    wait = answer.status === 429 ? 1000 * Number(answer.headers.get("Retry-After") || 5) : 0;
    if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
    put(new DOMParser().parseFromString(await answer.text(), "text/html"));
    say("Live");
  } catch {
    wait = Math.max(wait, 5000);
    say("Trying to reach the gateway", true);
  } finally {
    fetching = false;
    plan();
  }
}

function put(page) {
  for (const have of document.querySelectorAll("[data-live]")) {
    const got = have.id && have !== note && page.getElementById(have.id);
    if (!got) continue;
    merge(have, got);
  }
  const now = page.getElementById("content");
  if (now && now.dataset.poll) main.dataset.poll = now.dataset.poll;
  else delete main.dataset.poll;
}

function plan() {
  clearTimeout(timer);
  listen();
  if (main.dataset.poll) timer = setTimeout(refresh, Math.max(1000 * Number(main.dataset.poll), wait));
  else stop();
}

// One event is enough to know that the page is old. The stream is closed until the page has been fetched again, so
// that a whole county's results do not run through the browser.
function listen() {
  if (!main.dataset.events || source || paused || document.hidden) return;
  source = new EventSource(main.dataset.events);
  source.onmessage = () => {
    unlisten();
    clearTimeout(timer);
    timer = setTimeout(refresh, Math.max(SOON_MS, LEAST_MS - (performance.now() - last), wait));
  };
}

function unlisten() {
  if (source) source.close();
  source = null;
}

function stop() {
  unlisten();
  clearTimeout(timer);
  if (note) note.hidden = true;
}

if (pause) {
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.setAttribute("aria-pressed", String(paused));
    pause.textContent = paused ? "Resume" : "Pause";
    say(paused ? "Paused" : "Live");
    if (paused) {
      unlisten();
      clearTimeout(timer);
    } else refresh();
  });
}
document.addEventListener("visibilitychange", () => (document.hidden ? unlisten() : refresh()));
window.addEventListener("pagehide", unlisten);
if (main.dataset.poll) {
  say("Live");
  plan();
}
