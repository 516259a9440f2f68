"use strict";
// Draws the figures of a report with BokehJS, gives them the colours of the page, connects the controls, and, where
// the page is live, takes new data over.  All data come from the element #content.
(() => {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const field = (object, name) => (object instanceof Map ? object.get(name) : object?.[name]);
  const pairs = (object) => (object instanceof Map ? [...object] : Object.entries(object ?? {}));
  let content = JSON.parse(document.getElementById("content").textContent);
  let models = []; // all models of the document that is drawn

  const tagged = (name) =>
    models.flatMap((model) => model.tags.filter((tag) => field(tag, name) !== undefined).map((tag) => [model, field(tag, name)]));
  const references = (roots) => [...new Set(roots.flatMap((root) => [root, ...root.references()]))];
  const named = (name) => models.find((model) => model.name === name);

  function paint() {
    for (const [model, colours] of tagged(dark.matches ? "dark" : "light")) {
      model.setv(Object.fromEntries(pairs(colours)));
    }
  }

  async function draw() {
    const roots = Object.fromEntries(content.roots);
    const item = { docid: "page", roots, root_ids: Object.keys(roots) };
    const views = await Bokeh.embed.embed_items({ page: content.document }, [item]);
    models = references(views.flatMap((manager) => [...manager.roots]).map((view) => view.model));
    paint();
    document.querySelectorAll(".scrub").forEach(connect);
    document.querySelectorAll(".keys input").forEach((box) => box.addEventListener("change", () => toggle(box)));
    document.body.dataset.drawn = "yes";
  }

  // The legend.

  function toggle(box) {
    const root = named_root(box.closest(".keys").dataset.figure);
    if (root === undefined) return;
    const inside = new Set([root, ...root.references()]);
    for (const [model, key] of tagged("key")) {
      if (inside.has(model) && key === box.dataset.key) model.visible = box.checked;
    }
  }

  function named_root(figure) {
    const found = content.roots.find(([, place]) => place === figure);
    return found && models.find((model) => model.id === found[0]);
  }

  // The window of a raster: first and last round that are shown, from the middle of a round to that of another.

  function connect(controls) {
    const range = named(controls.dataset.range);
    const start = controls.querySelector("input");
    const width = controls.querySelector("select");
    const ends = () => [Number(controls.dataset.first), Number(controls.dataset.end)];
    const shown = () => [Math.ceil(range.start), Math.floor(range.end)];
    const move = (to, rounds) => {
      const [first, end] = ends();
      const from = Math.max(first, Math.min(to, end - rounds));
      range.setv({ start: from - 0.5, end: Math.min(from + rounds, end) - 0.5 });
    };
    const wanted = () => (width.value === "all" ? ends()[1] - ends()[0] : Number(width.value));
    start.addEventListener("input", () => {
      if (width.value === "all") width.value = width.options[0].value;
      move(Number(start.value), wanted());
    });
    width.addEventListener("change", () => move(shown()[0], wanted()));
    for (const button of controls.querySelectorAll("button")) {
      button.addEventListener("click", () => move(shown()[0] + Number(button.dataset.move) * Math.max(1, Math.round(wanted() / 2)), wanted()));
    }
    controls.refresh = () => {
      const [first, end] = ends();
      const sizes = [10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000].filter((size) => size < end - first);
      const kept = width.value;
      width.replaceChildren(...sizes.map((size) => new Option(`${size} rounds`, size)), new Option("all rounds", "all"));
      width.value = sizes.includes(Number(kept)) ? kept : "all";
      start.min = first;
      start.max = end - 1;
      tell();
    };
    const tell = () => {
      const [from, to] = shown();
      const [first, end] = ends();
      start.value = from;
      if (from <= first && to >= end - 1) width.value = "all";
      const labels = mark(range.name, range.start, range.end);
      const marks = labels.length ? `; ${labels.slice(0, 6).join(", ")}${labels.length > 6 ? ", …" : ""}` : "";
      controls.querySelector("output").textContent = `rounds ${from} to ${to} of ${end}${marks}`;
    };
    range.change.connect(tell);
    controls.refresh();
  }

  // Shows as many labels of marks as have room, and returns all that hold in the window.
  function mark(name, from, to) {
    const [texts] = tagged("marks").find(([, range]) => range === name) ?? [];
    if (texts === undefined) return [];
    const starts = [...texts.data_source.get_column("x")];
    const labels = [...texts.data_source.get_column("label")];
    const inside = starts.map((_, at) => at).filter((at) => starts[at] < to && (starts[at + 1] ?? Infinity) > from);
    const longest = Math.max(4, ...inside.map((at) => labels[at].length));
    const place = document.getElementById(name);
    const room = Math.max(1, Math.floor(place.clientWidth / (7.5 * longest)));
    const step = Math.max(1, Math.ceil(inside.length / room));
    texts.view.filter.indices = inside.filter((at, number) => number % step === 0 && starts[at] >= from - 1e-6);
    return inside.map((at) => labels[at]);
  }

  // A live page.

  const say = (text) => (document.getElementById("status").textContent = text);

  function retext(fresh) {
    for (const part of fresh.querySelectorAll("[data-text]")) {
      const old = document.querySelector(`[data-text="${part.dataset.text}"]`);
      if (old === null || old.innerHTML === part.innerHTML) continue;
      const open = [...old.querySelectorAll("details")].map((each) => each.open);
      old.innerHTML = part.innerHTML;
      old.querySelectorAll("details").forEach((each, at) => (each.open = open[at] ?? each.open));
    }
  }

  function redata(fresh) {
    for (const model of references(fresh.all_roots).filter((each) => each.name !== null)) {
      const old = named(model.name);
      if (old === undefined || old.type !== model.type) continue;
      if (model.type === "ColumnDataSource") old.data = model.data;
      if (model.type === "Range1d") rerange(old, model);
    }
  }

  // A window that shows the end of the rounds follows it; the others stay where the reader put them.
  function rerange(old, fresh) {
    const controls = document.querySelector(`.scrub[data-range="${old.name}"]`);
    if (controls === null) {
      old.setv({ start: fresh.start, end: fresh.end });
      return;
    }
    const end = Number(controls.dataset.end);
    const whole = old.start <= Number(controls.dataset.first) && old.end >= end - 1;
    const follows = old.end >= end - 1;
    const wide = old.end - old.start;
    controls.dataset.first = Math.ceil(fresh.start);
    controls.dataset.end = Math.ceil(fresh.end);
    old.setv({ bounds: fresh.bounds });
    if (whole) old.setv({ start: fresh.start, end: fresh.end });
    else if (follows) old.setv({ start: fresh.end - wide, end: fresh.end });
    controls.refresh();
  }

  async function take(news) {
    const same = news.structure === content.structure;
    const body = document.createElement("template");
    body.innerHTML = news.body;
    content = news;
    document.querySelector('[data-text="standing"]').textContent = news.standing;
    if (same) {
      retext(body.content);
      redata(Bokeh.documents.at(-1).constructor.from_json(news.document)); // the class itself is not public
    } else {
      document.querySelector("main").replaceChildren(body.content);
      await draw();
    }
  }

  async function follow() {
    let answer;
    try {
      answer = await fetch(`content?seen=${content.version}`);
    } catch {
      say("No longer live: brainsim view has ended.");
      return;
    }
    if (answer.status === 200) {
      await take(await answer.json());
      say(`Live: taken over at ${new Date().toLocaleTimeString()}.`);
    }
    setTimeout(follow, 1500);
  }

  dark.addEventListener("change", paint);
  draw().then(() => {
    if ("live" in document.body.dataset) setTimeout(follow, 1500);
  });
})();
