// The lanes of one server: requests as bars, while they happen, and afterwards as
// the picture of a deployment. A bar that ends badly has a colour and a shape.

import { Outcome, arrange, freeAt, kind, seat } from "/seats.js";

export class Lanes {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.still = null;
    this.colours = {};
    this.reset(24, 150);
    this.restyle();
    new ResizeObserver(() => this.resize()).observe(canvas);
    this.resize();
  }

  // reset forgets everything, as before another experiment.
  reset(lanes, delay) {
    this.delay = delay;
    this.least = lanes;
    this.clear();
    this.run = -1;
    this.marks = [];
    this.signal = Infinity;
    this.still = null;
  }

  clear() {
    this.bars = new Map();
    this.busy = new Array(this.least).fill(-Infinity);
  }

  restyle() {
    const style = getComputedStyle(this.canvas);
    for (const name of ["ink", "muted", "line", "accent", "soft", "kept", "lost", "warn", "paper"]) {
      this.colours[name] = style.getPropertyValue("--" + name).trim();
    }
    this.font = style.getPropertyValue("--canvas-font").trim();
    this.type = Number(/(\d+)px/.exec(this.font)[1]);
    this.roof = this.type + 8; // pixels above the lanes, for the names of what happened
    this.axis = this.type + 14; // and under them, for the ruler
    this.dirty = true;
  }

  resize() {
    const ratio = window.devicePixelRatio || 1, box = this.canvas.getBoundingClientRect();
    this.width = Math.max(1, box.width);
    this.height = Math.max(1, box.height);
    this.canvas.width = Math.round(this.width * ratio);
    this.canvas.height = Math.round(this.height * ratio);
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.dirty = true;
  }

  add(seq, start) {
    const lane = seat(this.busy, start), bar = { start, end: Infinity, outcome: Outcome.open, lane };
    this.busy[lane] = Infinity;
    this.bars.set(seq, bar);
    return bar;
  }

  // take takes what the server tells of one refresh.
  take(frame) {
    if (frame.run !== this.run) { // another process: its numbers begin anew
      for (const [seq, bar] of [...this.bars]) {
        this.bars.delete(seq);
        if (bar.end !== Infinity) this.bars.set("r" + this.run + "-" + seq, bar);
      }
      this.vacate(); // those of the last process are still in view
      this.run = frame.run;
      this.signal = Infinity;
    }
    const ended = frame.e || [], begun = frame.b || [], strangers = [];
    const end = (bar, i) => {
      bar.end = ended[i + 2];
      bar.outcome = ended[i + 3];
      bar.kept = kind(bar, this.signal, Infinity) === "kept"; // which the next process's signal does not change
      this.busy[bar.lane] = freeAt(bar, this.pixel());
    };
    for (const mark of frame.marks || []) {
      if (mark.name === "signal") this.signal = mark.at;
      this.marks.push(mark);
    }
    for (let i = 0; i < ended.length; i += 4) { // first, so that their lanes are free again
      const bar = this.bars.get(ended[i]);
      if (bar) end(bar, i); else strangers.push(i);
    }
    for (let i = 0; i < begun.length; i += 2) this.add(begun[i], begun[i + 1]);
    for (const i of strangers) end(this.bars.get(ended[i]) || this.add(ended[i], ended[i + 1]), i);
  }

  // vacate frees the lanes of what is gone, and takes away those that were added.
  vacate() {
    const busy = new Array(this.least).fill(-Infinity);
    for (const bar of this.bars.values()) {
      while (busy.length <= bar.lane) busy.push(-Infinity);
      busy[bar.lane] = Math.max(busy[bar.lane], freeAt(bar, this.pixel()));
    }
    this.busy = busy;
  }

  // pixel is how long one is while it happens, in milliseconds.
  pixel() { return this.span() / this.width; }

  // span is how much is in view while it happens, in milliseconds: a bar is neither
  // a dot nor the whole width.
  span() { return Math.min(5000, Math.max(1200, this.delay * 16)) * Math.max(0.5, Math.min(1.2, this.width / 1100)); }

  // forget lets go of what has left the view. It is called whether the page is
  // looked at or not. Of a bar that seems open for long the end was missed.
  forget(now, missed) {
    const span = this.span(), long = missed ? 3000 + 2 * this.delay : 40000;
    let freed = false;
    for (const [seq, bar] of this.bars) {
      const gone = bar.end === Infinity ? bar.start < now - Math.max(long, span) : bar.end < now - span - 500;
      if (gone) {
        this.bars.delete(seq);
        freed ||= bar.end === Infinity || this.busy.length > this.least;
      }
    }
    if (freed) this.vacate();
    this.marks = this.marks.filter((m) => m.at > now - span - 500);
  }

  // hold shows the picture of a deployment instead of what happens.
  hold(picture) {
    const rows = picture.rows.slice().sort((a, b) => a[0] - b[0]);
    const bars = rows.map(([start, end, outcome, window]) => ({ start, end, outcome, window }));
    this.still = { picture, bars, lanes: 12, pixel: 0 };
    this.dirty = true;
  }

  release() { this.still = null; this.dirty = true; }

  draw(now, closeUp, say) {
    if (!this.still) {
      this.dirty = false;
      this.paint([...this.bars.values()], this.busy.length, now - this.span(), now, this.signal, this.marks);
      return;
    }
    if (!this.dirty) return; // it stands still
    this.dirty = false;
    const p = this.still.picture, range = this.range || p;
    const from = closeUp ? -p.near * 1.5 : range.from, to = closeUp ? p.near * 2.5 : range.to;
    const pixel = (to - from) / this.width;
    if (pixel !== this.still.pixel) { // a close-up needs fewer lanes
      this.still.pixel = pixel;
      this.still.lanes = arrange(this.still.bars, 12, pixel);
    }
    this.paint(this.still.bars, this.still.lanes, from, to, 0, p.marks);
    this.ruler(from, to, say);
    const outside = this.still.bars.filter((b) => kind(b, 0, Infinity) === "lost" && (b.end < from || b.start > to)).length;
    if (outside > 0) this.label(say("outside", { n: outside }), this.width - 8, this.height - 8, this.colours.lost, "right");
  }

  // paint draws bars of one kind together: a colour is set six times, not two
  // thousand times.
  paint(bars, lanes, from, to, signal, marks) {
    const c = this.context, k = this.colours, w = this.width, h = this.height;
    const scale = w / (to - from), pitch = (h - this.axis - this.roof) / lanes, thick = Math.max(Math.min(1.5, pitch * 0.9), pitch * 0.68);
    c.clearRect(0, 0, w, h);
    const groups = { done: [], open: [], kept: [], rejected: [], refused: [], lost: [] };
    for (const bar of bars) {
      if (bar.end < from || bar.start > to) continue;
      const x = Math.max(-4, (bar.start - from) * scale), end = Math.min(w + 4, (Math.min(bar.end, to) - from) * scale);
      groups[kind(bar, signal, to)].push([x, this.roof + bar.lane * pitch, Math.max(2, end - x)]);
    }
    const fill = (list, colour) => {
      c.fillStyle = colour;
      c.beginPath();
      for (const [x, y, width] of list) c.rect(x, y, width, thick);
      c.fill();
    };
    fill(groups.done, k.soft);
    fill(groups.open, k.accent);
    fill(groups.kept, k.kept);
    this.hollow(groups.rejected, thick, k.warn);
    this.rings(groups.refused, thick, k.muted);
    fill(groups.lost, k.lost);
    this.crosses(groups.lost, thick, k.lost);
    this.lines(marks, from, scale);
  }

  // hollow squares stand where somebody was sent away, at the end of a thin line.
  hollow(list, thick, colour) {
    const c = this.context, r = Math.min(4, Math.max(2.5, thick * 0.6));
    c.strokeStyle = colour;
    c.lineWidth = 1.5;
    c.beginPath();
    for (const [x, y, width] of list) {
      c.moveTo(x, y + thick / 2);
      c.lineTo(x + width, y + thick / 2);
      c.rect(x + width, y + thick / 2 - r, 2 * r, 2 * r);
    }
    c.stroke();
  }

  // rings are those who were refused at the door.
  rings(list, thick, colour) {
    const c = this.context, r = Math.min(3, Math.max(1.5, thick / 2));
    c.strokeStyle = colour;
    c.lineWidth = 1;
    c.beginPath();
    for (const [x, y] of list) {
      c.moveTo(x + 2 * r, y + thick / 2);
      c.arc(x + r, y + thick / 2, r, 0, 2 * Math.PI);
    }
    c.stroke();
  }

  // crosses stand where somebody was hung up on.
  crosses(list, thick, colour) {
    const c = this.context, r = Math.min(6, Math.max(3.5, thick * 0.9));
    c.strokeStyle = colour;
    c.lineWidth = 2;
    c.beginPath();
    for (const [x, y, width] of list) {
      const cx = x + width + r + 1, cy = y + thick / 2;
      c.moveTo(cx - r, cy - r);
      c.lineTo(cx + r, cy + r);
      c.moveTo(cx - r, cy + r);
      c.lineTo(cx + r, cy - r);
    }
    c.stroke();
  }
}
