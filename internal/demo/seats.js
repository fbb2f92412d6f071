// Which lane a bar is on, and how it looks there. A lane is free again when what
// is drawn on it has ended: a bar is never narrower than an eye can see, and the
// shape of a bad end stands behind it.

export const Outcome = { open: 0, completed: 1, rejected: 2, failed: 3, refused: 4, dropped: 5, unsent: 6 };

const narrowest = 2; // pixels of a bar
const shapes = { [Outcome.rejected]: 10, [Outcome.failed]: 14, [Outcome.dropped]: 14 }; // pixels behind a bar
const ring = 7; // pixels of who was refused at the door
const most = 2000; // lanes: more open at a time than can be asked for

// kind is how a bar is drawn in a view that ends there.
export function kind(bar, signal, to) {
  switch (bar.end > to ? Outcome.open : bar.outcome) {
    case Outcome.open: return "open";
    case Outcome.completed: return bar.kept || (bar.start < signal && bar.end >= signal) ? "kept" : "done";
    case Outcome.rejected: return "rejected";
    case Outcome.refused: return "refused";
    case Outcome.dropped: case Outcome.failed: return "lost";
    default: return "done";
  }
}

// freeAt is until when a bar fills its lane, where a pixel is so many milliseconds.
export function freeAt(bar, pixel) {
  if (bar.outcome === Outcome.refused) return Math.max(bar.end, bar.start + ring * pixel);
  return Math.max(bar.end, bar.start + narrowest * pixel) + (shapes[bar.outcome] || 0) * pixel;
}

// seat returns the first lane that is free, as in a bar, not at a random table. If
// none is, there is one more.
export function seat(busy, start) {
  for (let i = 0; i < busy.length; i++) if (busy[i] <= start) return i;
  if (busy.length >= most) return busy.length - 1;
  return busy.push(-Infinity) - 1;
}

// arrange seats all bars of a picture anew, and returns how many lanes they fill.
export function arrange(bars, least, pixel) {
  const busy = new Array(least).fill(-Infinity);
  for (const bar of bars) { // in the order in which they began
    bar.lane = seat(busy, bar.start);
    busy[bar.lane] = freeAt(bar, pixel);
  }
  return busy.length;
}
