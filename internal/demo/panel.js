// One server of the stage: its name, its lanes, its numbers, and what was judged.

import { Lanes } from "/lanes.js";
import "/marks.js";
import { ask } from "/link.js";

export class Panel {
  constructor(template, texts, index) {
    this.texts = texts;
    this.index = index;
    this.root = template.content.cloneNode(true).firstElementChild;
    this.find = (selector) => this.root.querySelector(selector);
    this.source = "";
    this.shown = null; // the deployment whose result is shown
  }

  attach(parent) {
    parent.append(this.root);
    this.lanes = new Lanes(this.find("canvas"));
    this.find(".source").addEventListener("toggle", () => this.loadSource());
  }

  // update shows what is known of the server.
  update(panel, settings, tallies, strategies) {
    const { say } = this.texts;
    if (this.strategy !== panel.strategy) {
      this.strategy = panel.strategy;
      this.root.dataset.strategy = panel.strategy;
      this.find("h2").textContent = panel.strategy;
      this.find("canvas").setAttribute("aria-label", say("panel.lanes", { name: panel.strategy }));
      this.find(".source p").textContent = strategies.find((s) => s.name === panel.strategy).summary;
    }
    this.now = panel;
    this.root.dataset.phase = panel.phase;
    this.judged(panel.result);
    const tally = tallies.find((t) => t.strategy === panel.strategy);
    this.find(".sofar").textContent = tally ? tally.sentence : "";
  }

  // judged shows what came of the last deployment.
  judged(result) {
    const { say } = this.texts, box = this.find(".result");
    this.result = result;
    box.hidden = !result;
    this.root.dataset.deployment = result ? result.deployment : "";
    if (!result || this.shown === result.deployment) return;
    this.shown = result.deployment;
    const verdict = result.warned ? "warned" : result.verdict;
    box.dataset.verdict = verdict;
    this.find(".verdict strong").textContent = say("verdict." + verdict);
    this.find(".verdict span").textContent = this.how(result);
    for (const window of ["inFlight", "late"]) {
      const counts = result[window], cells = this.root.querySelectorAll(`tr[data-window="${window}"] td`);
      [counts.completed, counts.rejected, counts.dropped + counts.failed, counts.refused]
        .forEach((n, i) => { cells[i].textContent = n; cells[i].classList.toggle("bad", i === 2 && n > 0); });
    }
    this.find(".story").open = verdict === "inconclusive"; // why, is the first question
    this.find(".story div").replaceChildren(...result.story.map((text) => {
      const p = document.createElement("p");
      p.textContent = text;
      return p;
    }));
  }

  // how tells of the exit and of the rules that were broken.
  how(result) {
    const { say } = this.texts, parts = [];
    if (result.exit) {
      const how = result.exit.killed ? say("exit.killed") : result.exit.signal || say("exit.code", { code: result.exit.code });
      parts.push(say("verdict.exit", { how, ms: Math.round(result.exitMs) }));
    }
    if (result.broken.length > 0) parts.push(say("verdict.broken", { rules: result.broken.join(", ") }));
    return parts.join(". ");
  }

  // phase says what the server does; beside a picture that is what comes after it.
  phase(still) {
    const { say } = this.texts, { phase, trouble } = this.now, sign = this.find(".phase");
    const after = phase === "serving" ? say("phase.next") : say("phase.coming");
    const text = trouble || (still && phase !== "judging" ? after : say("phase." + phase));
    if (sign.textContent !== text) sign.textContent = text;
    sign.dataset.phase = still && !trouble ? "gone" : phase;
  }

  // look shows the picture of a deployment, or what happens.
  look() {
    const still = Boolean(this.lanes.still && this.result);
    this.root.dataset.view = still ? "still" : "live";
    this.phase(still);
    if (still) {
      const unbroken = this.strategy.replaceAll("-", "\u2011"); // a name is not hyphenated
      this.find(".sentence").textContent = this.result.sentence.replaceAll(this.strategy, unbroken);
    }
  }

  numbers(frame) {
    if (this.root.dataset.view !== "still") {
      const text = this.texts.count("panel.now", frame.counts.open);
      if (this.find(".sentence").textContent !== text) this.find(".sentence").textContent = text;
    }
    for (const cell of this.root.querySelectorAll("[data-count]")) {
      const text = frame.counts[cell.dataset.count].toLocaleString("en");
      if (cell.textContent !== text) cell.textContent = text;
      if (cell.dataset.count === "lost") cell.classList.toggle("bad", text !== "0");
    }
    const missed = this.find(".missed");
    missed.hidden = !frame.missed;
    if (frame.missed) missed.textContent = this.texts.say("panel.missed", { n: frame.missed });
  }

  // loadSource shows the strategy's source, with its colours, when it is opened.
  async loadSource() {
    if (!this.find(".source").open) return;
    if (this.source === this.strategy) { this.showMistake(); return; }
    this.source = this.strategy;
    const answer = await ask("/source/" + encodeURIComponent(this.strategy));
    if (!answer.ok) { this.source = ""; return; }
    this.find("code").replaceChildren(...lines(await answer.json()));
    this.showMistake();
  }

  // showMistake scrolls to the line that is wrong, if there is one.
  showMistake() {
    const wrong = this.find(".line.wrong"), pre = this.find("pre");
    if (wrong) pre.scrollTop = wrong.offsetTop - (pre.clientHeight - wrong.offsetHeight) / 2;
    this.find(".source").scrollIntoView({ block: "nearest" });
  }
}

// lines makes an element of each line of a source, and marks those with a mistake.
function lines(pieces) {
  const all = [];
  const begin = () => {
    const line = document.createElement("span");
    line.className = "line";
    all.push(line);
  };
  begin();
  for (const { kind, text } of pieces) {
    text.split("\n").forEach((part, i) => {
      if (i > 0) begin();
      const span = document.createElement("span"), line = all[all.length - 1];
      span.className = kind;
      span.textContent = part;
      line.append(span);
      if (kind === "mistake") line.classList.add("wrong");
    });
  }
  return all;
}
