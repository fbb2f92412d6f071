// The controls: what is chosen goes to the server, which says what holds. Keys do
// what buttons do.

export class Controls {
  constructor(form, post) {
    this.form = form;
    this.post = post;
    form.addEventListener("change", () => this.send());
    form.addEventListener("submit", (e) => e.preventDefault());
  }

  // show shows what holds.
  show(settings) {
    this.settings = settings;
    for (const select of this.form.querySelectorAll("select")) {
      if (select.name === "panel") select.value = settings.panels[select.dataset.place] || "";
      else select.value = String(settings[select.name]);
    }
  }

  send() {
    const s = { ...this.settings, step: 0 }; // what the tour says would not be true of it
    const panels = [...this.form.querySelectorAll("select[name=panel]")].map((e) => e.value).filter((v) => v);
    s.panels = [...new Set(panels)];
    for (const name of ["rate", "delay", "lag", "grace"]) s[name] = Number(this.form.elements[name].value);
    for (const name of ["connections", "request", "signal"]) s[name] = this.form.elements[name].value;
    this.post("/settings", s).then((ok) => { if (!ok) this.show(this.settings); });
  }
}

// keys binds keys to actions, but not while somebody types, or chooses.
export function keys(actions) {
  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.repeat) return;
    const at = e.target instanceof Element ? e.target : document.body;
    if (at.closest("select, input, textarea")) return;
    if (e.key === " " && at.closest("button, summary, a")) return;
    if (e.key.startsWith("Arrow") && at.closest("pre")) return; // it scrolls
    const act = actions[e.key];
    if (!act) return;
    e.preventDefault();
    act();
  });
}
