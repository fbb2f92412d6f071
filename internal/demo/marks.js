// What stands around the bars: the lines of what happened to the server, and the
// ruler of a picture.

import { Lanes } from "/lanes.js";

const named = { signal: "axis.signal", "signal-again": "axis.signal", exit: "axis.gone", killed: "axis.gone" };

let words = (key) => key;

// speak hands over how texts are found.
export function speak(say) { words = say; }

Lanes.prototype.label = function (text, x, y, colour, align) {
  const c = this.context;
  c.font = this.font;
  c.textAlign = align;
  c.textBaseline = "alphabetic";
  c.fillStyle = colour;
  c.fillText(text, x, y);
};

Lanes.prototype.lines = function (marks, from, scale) {
  const c = this.context, k = this.colours, h = this.height;
  let last = -Infinity;
  for (const mark of marks.filter((m) => m.name in named).sort((a, b) => a.at - b.at)) {
    const x = Math.round((mark.at - from) * scale) + 0.5;
    if (x < -20 || x > this.width + 20) continue;
    const gone = named[mark.name] === "axis.gone";
    c.strokeStyle = gone ? k.muted : k.ink;
    c.lineWidth = gone ? 1 : 2;
    c.setLineDash(gone ? [4, 4] : []);
    c.beginPath();
    c.moveTo(x, this.roof - 4);
    c.lineTo(x, h - this.axis + 4);
    c.stroke();
    c.setLineDash([]);
    const text = words(named[mark.name]);
    c.font = this.font;
    const width = c.measureText(text).width;
    let at = Math.min(Math.max(x - width / 2, 2), this.width - width - 2);
    if (at < last + 8) at = last + 8; // one beside the other
    if (at + width > this.width) continue;
    this.label(text, at, this.type, gone ? k.muted : k.ink, "left");
    last = at + width;
  }
};

Lanes.prototype.ruler = function (from, to) {
  const c = this.context, k = this.colours, y = this.height - this.axis + 6;
  const steps = [5, 10, 20, 50, 100, 200, 500, 1000, 2000];
  const step = steps.find((s) => (s / (to - from)) * this.width > 6.5 * this.type) || 2000;
  c.strokeStyle = k.line;
  c.lineWidth = 1;
  c.beginPath();
  c.moveTo(0, y + 0.5);
  c.lineTo(this.width, y + 0.5);
  c.stroke();
  for (let t = Math.ceil(from / step) * step; t <= to; t += step) {
    const x = ((t - from) / (to - from)) * this.width;
    if (x < 28 || x > this.width - 28) continue;
    this.label(words("axis.ms", { n: t > 0 ? "+" + t : t === 0 ? "0" : "−" + -t }), x, y + this.type + 3, k.muted, "center");
  }
};
