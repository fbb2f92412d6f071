// A lane tells its story to who points at it, and to who walks to it with the
// arrow keys. The sentences come with the page; here only their blanks are filled.
"use strict";

const SVG = "http://www.w3.org/2000/svg";

function rect(parent, kind) {
  const element = document.createElementNS(SVG, "rect");
  element.setAttribute("class", kind);
  element.setAttribute("width", "100%");
  parent.append(element);
  return element;
}

function swimlane(figure) {
  const { top, pitch, patterns, lanes } = JSON.parse(figure.querySelector("script").textContent);
  const svg = figure.querySelector("svg"), teller = figure.querySelector(".story");
  const hits = [];
  let current = lanes.findIndex((lane) => lane[1] === 1), here;
  if (current < 0) current = Math.floor(lanes.length / 2);

  const story = (lane) => patterns[lane[0]].replace(/\{(\d)\}/g, (_, n) => lane[+n + 2]);

  // The lanes are many: what makes them answer is added when somebody comes.
  function wake() {
    if (hits.length) return;
    const group = document.createElementNS(SVG, "g");
    here = rect(group, "here");
    here.setAttribute("height", Math.max(pitch, 3));
    lanes.forEach((lane, i) => {
      const hit = rect(group, "hit");
      hit.setAttribute("y", top + i * pitch);
      hit.setAttribute("height", pitch);
      hit.setAttribute("role", "img");
      hit.setAttribute("aria-label", story(lane));
      hit.setAttribute("tabindex", "-1");
      hits.push(hit);
    });
    svg.append(group);
    svg.setAttribute("tabindex", "-1"); // from now on a lane is what the Tab key finds
    hits[current].setAttribute("tabindex", "0");
  }

  function tell(i) {
    hits[current].setAttribute("tabindex", "-1");
    hits[(current = i)].setAttribute("tabindex", "0");
    here.setAttribute("y", top + (i + 0.5) * pitch - Math.max(pitch, 3) / 2);
    teller.textContent = story(lanes[i]);
    figure.classList.add("telling");
  }

  function lost(from, step) {
    for (let i = from + step; i >= 0 && i < lanes.length; i += step) if (lanes[i][1] === 1) return i;
    return from;
  }

  const keys = {
    ArrowDown: () => current + 1, ArrowUp: () => current - 1, PageDown: () => current + 10, PageUp: () => current - 10,
    Home: () => 0, End: () => lanes.length - 1, ArrowRight: () => lost(current, 1), ArrowLeft: () => lost(current, -1),
  };

  svg.addEventListener("pointerenter", wake);
  svg.addEventListener("pointerdown", wake);
  svg.addEventListener("focusin", (event) => {
    wake();
    const i = hits.indexOf(event.target);
    tell(i < 0 ? current : i);
    if (i < 0) hits[current].focus({ preventScroll: true });
  });
  svg.addEventListener("pointermove", (event) => {
    const i = hits.indexOf(event.target);
    if (i >= 0) tell(i);
  });
  svg.addEventListener("keydown", (event) => {
    const next = keys[event.key];
    if (!next) return;
    event.preventDefault();
    hits[Math.min(Math.max(next(), 0), lanes.length - 1)].focus();
  });
}

document.querySelectorAll("figure.swim").forEach(swimlane);
