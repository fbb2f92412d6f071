// The page: it follows the stage through server-sent events, and shows it.

import { Panel } from "/panel.js";
import { Controls, keys } from "/controls.js";
import { legend } from "/legend.js";
import { speak } from "/marks.js";
import { ask, follow, takeKey } from "/link.js";

const data = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
const say = (key, filling = {}) => {
  let text = data.texts[key] ?? key;
  for (const [name, value] of Object.entries(filling)) text = text.replaceAll(`{${name}}`, String(value));
  return text;
};
const count = (key, n, filling = {}) => say(key + (n === 1 ? ".one" : ".other"), { ...filling, n });
const texts = { say, count };
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const behind = 120; // milliseconds that the picture is behind, so that no bar jumps

takeKey();

let state = null, panels = [], offset = Infinity, closeUp = false, shownStep = -1, lastStep = 0;
const pictures = new Map(); // the last of each panel

async function post(path, body) {
  const answer = await ask(path, { method: "POST", body: body === undefined ? undefined : JSON.stringify(body) }).catch(() => null);
  if (!answer) problem(say("lost.link"));
  else if (!answer.ok) problem(say("refused", { why: (await answer.text()).trim() }));
  else problem("");
  return Boolean(answer && answer.ok);
}

function problem(text) {
  $("problem").textContent = text;
  $("problem").hidden = text === "";
}

const controls = new Controls($("controls"), post);
const deploy = () => { if (state && state.ready) post("/deploy"); };
const step = (n) => { if (n >= 1 && n <= data.steps) post("/settings", data.tour[n - 1]); };
const live = () => { for (const p of panels) p.lanes.release(); stills(); };

// rebuild makes panels for other strategies, or for another experiment.
function rebuild() {
  const key = JSON.stringify(state.settings);
  if (rebuild.key === key) return;
  rebuild.key = key;
  pictures.clear();
  closeUp = state.settings.closeUp;
  $("stage").replaceChildren();
  const s = state.settings, lanes = Math.max(14, Math.ceil((s.rate * s.delay) / 1000 * 1.15) + 3);
  panels = state.panels.map((_, i) => {
    const panel = new Panel($("panel"), texts, i);
    panel.attach($("stage"));
    panel.lanes.reset(lanes, s.delay);
    return panel;
  });
  $("stage").dataset.panels = panels.length;
}

// show shows the state.
function show() {
  rebuild();
  state.panels.forEach((p, i) => {
    panels[i].update(p, state.settings, state.tallies || [], data.strategies);
    if (!p.result && panels[i].lanes.still) panels[i].lanes.release(); // another deployment has begun
  });
  controls.show(state.settings);
  lesson();
  const button = $("deploy");
  button.disabled = !state.ready;
  button.textContent = say(state.ready ? "deploy" : state.stopping ? "deploy.stopping" : "deploy.wait");
  $("extras").hidden = !state.stopping;
  if ($("announce").textContent !== state.announced) $("announce").textContent = state.announced;
  stills();
}

function lesson() {
  const n = state.settings.step, all = state.panels.every((p) => p.result);
  if (n !== shownStep) {
    shownStep = n;
    if (n > 0) lastStep = n; // from which the tour goes on after an experiment
    $("lesson-step").textContent = n ? say("tour.step", { n, of: data.steps }) : "";
    $("lesson-title").textContent = say(`tour.${n}.title`);
    $("lesson-look").textContent = say(`tour.${n}.look`);
    $("lesson-why").textContent = say(`tour.${n}.why`);
    [...$("steps").querySelectorAll("button")].forEach((b, i) => {
      if (i + 1 === n) b.setAttribute("aria-current", "step"); else b.removeAttribute("aria-current");
    });
  }
  $("lesson-why").hidden = !all;
  $("lesson-look").hidden = all;
  $("back").disabled = lastStep <= 1;
  $("next").disabled = lastStep >= data.steps;
}

function stills() {
  $("still").hidden = $("still-note").hidden = state.stopping || !panels.some((p) => p.lanes.still);
  $("closeup").setAttribute("aria-pressed", String(closeUp));
  $("closeup").textContent = say(closeUp ? "whole" : "closeup");
  const held = panels.filter((p) => p.lanes.still).map((p) => p.lanes.still.picture);
  const range = { from: Math.min(...held.map((p) => p.from)), to: Math.max(...held.map((p) => p.to)) };
  for (const p of panels) { // one ruler for all, so that they can be compared
    p.lanes.range = range;
    p.lanes.dirty = true;
    p.look();
  }
}

const told = {
  state(now) { state = now; show(); },
  picture(picture) {
    panels[picture.panel].lanes.hold(picture);
    stills();
  },
  frame(frame) {
    offset = Math.min(offset + 0.05, performance.now() - frame.now); // creeps, in case the clocks drift
    (frame.panels || []).forEach((f, i) => {
      if (!panels[i]) return;
      panels[i].lanes.take(f);
      panels[i].lanes.forget(frame.now, f.missed);
      panels[i].numbers(f);
    });
  },
};

function connect() {
  follow("/events", told, {
    opened() {
      offset = Infinity;
      problem("");
      for (const p of panels) p.lanes.clear(); // what ended meanwhile nobody has told us
    },
    lost(refused) { problem(refused ? say("lost.key") : say("lost.link")); },
  });
}

let drawn = 0;
function draw(at) {
  requestAnimationFrame(draw);
  if (!state || offset === Infinity || (calm.matches && at - drawn < 500)) return;
  drawn = at;
  for (const p of panels) p.lanes.draw(at - offset - behind, closeUp, say);
}

function presenter(on) {
  document.documentElement.classList.toggle("presenter", on);
  $("toggle-presenter").setAttribute("aria-pressed", String(on));
  for (const p of panels) p.lanes.restyle(); // the type on the canvas is larger too
  history.replaceState(null, "", on ? "/#presenter" : "/"); // so that a reload keeps it
}

function open(on) {
  $("controls").hidden = !on;
  $("toggle-controls").setAttribute("aria-expanded", String(on));
}

for (let n = 1; n <= data.steps; n++) {
  const item = document.createElement("li"), button = document.createElement("button");
  button.type = "button";
  button.textContent = n;
  button.title = say(`tour.${n}.title`);
  button.setAttribute("aria-label", say("tour.go", { n, title: say(`tour.${n}.title`) }));
  button.addEventListener("click", () => step(n));
  item.append(button);
  $("steps").append(item);
}
const togglePresenter = () => presenter(!document.documentElement.classList.contains("presenter"));
const toggleControls = () => open($("controls").hidden);
const toggleCloseUp = () => { closeUp = !closeUp; stills(); };
const back = () => step(lastStep - 1), next = () => step(lastStep + 1);
for (const [id, act] of Object.entries({
  deploy, back, next, live, closeup: toggleCloseUp, "toggle-presenter": togglePresenter, "toggle-controls": toggleControls,
})) $(id).addEventListener("click", act);
for (const b of document.querySelectorAll("[data-signal]")) b.addEventListener("click", () => post("/signal", { signal: b.dataset.signal }));
keys({
  d: deploy, " ": live, p: togglePresenter, c: toggleControls, z: toggleCloseUp,
  ArrowRight: next, PageDown: next, ArrowLeft: back, PageUp: back,
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => panels.forEach((p) => p.lanes.restyle()));
speak(say);
legend($("legend"), say);
presenter(location.hash === "#presenter");
connect();
requestAnimationFrame(draw);
