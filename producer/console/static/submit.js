// The property field finds properties while one types (ARIA combobox), and shows what the roll says of the chosen one.
"use strict";

const field = document.getElementById("property");
const list = document.getElementById("found");
const county = document.getElementById("county");
const chosen = document.getElementById("chosen");
const changes = document.getElementById("changes");
const NOT_OFFERED = new Set(["property_id", "county_id", "features", "address", "latitude", "longitude", "assessed_value"]);
let active = -1;
let asked = 0;
let timer = null;

field.setAttribute("role", "combobox");
field.setAttribute("aria-controls", "found");
field.setAttribute("aria-autocomplete", "list");
field.setAttribute("aria-expanded", "false");

function place() {
  return `/api/v1/counties/${encodeURIComponent(county.value)}/properties`;
}

function close() {
  list.hidden = true;
  list.replaceChildren();
  active = -1;
  field.setAttribute("aria-expanded", "false");
  field.removeAttribute("aria-activedescendant");
}

function activate(next) {
  const options = list.children;
  if (!options.length) return;
  if (options[active]) options[active].setAttribute("aria-selected", "false");
  active = (next + options.length) % options.length;
  options[active].setAttribute("aria-selected", "true");
  options[active].scrollIntoView({ block: "nearest" });
  field.setAttribute("aria-activedescendant", options[active].id);
}

function option(record, number) {
  const item = document.createElement("li");
  const id = document.createElement("strong");
  id.textContent = record.property_id;
  item.append(id, record.address ? ` ${record.address}` : "");
  item.id = `found-${number}`;
  item.setAttribute("role", "option");
  item.setAttribute("aria-selected", "false");
  item.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    choose(record);
  });
  item.record = record;
  return item;
}

async function search() {
  const mine = ++asked;
  const text = field.value.trim();
  if (!text || !county.value) return close();
  try {
    const answer = await fetch(`${place()}?limit=8&q=${encodeURIComponent(text)}`);
    if (!answer.ok || mine !== asked) return;
    const { items } = await answer.json();
    if (mine !== asked) return;
    list.replaceChildren(...items.map(option));
    active = -1;
    list.hidden = items.length === 0;
    field.setAttribute("aria-expanded", String(items.length > 0));
    chosen.textContent = items.length ? "" : "No property begins so; check the county.";
  } catch {
    close();
  }
}

function choose(record) {
  asked += 1;
  field.value = record.property_id;
  close();
  chosen.textContent = record.address || "No address on the roll";
  const known = { ...record, ...record.features };
  for (const input of changes.querySelectorAll("input")) {
    const value = known[input.name.slice(2)];
    input.placeholder = value === undefined || value === null ? "" : String(value);
    delete known[input.name.slice(2)];
  }
  for (const name of Object.keys(known)) {
    if (!NOT_OFFERED.has(name)) changes.append(asking(name, known[name]));
  }
}

function asking(name, value) {
  const label = document.createElement("label");
  const input = document.createElement("input");
  input.name = `c.${name}`;
  input.maxLength = 1024;
  input.placeholder = value === null ? "" : String(value);
  label.append(`${name.replaceAll("_", " ")} `, input);
  return label;
}

field.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(search, 120);
});
field.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    if (list.hidden) search();
    else activate(active + (event.key === "ArrowDown" ? 1 : active < 0 ? 0 : -1));
  } else if (event.key === "Enter" && active >= 0) {
    event.preventDefault();
    choose(list.children[active].record);
  } else if (event.key === "Escape") close();
});
field.addEventListener("blur", close);
county.addEventListener("change", close);
