// The browser's half of hamexplorer.plots.live: draws the figure in the widget's state with Plotly.react.

// plotly.js arrives once for all plots, with a widget of its own that fills this slot, before or after us.
function plotly() {
  const slot = (globalThis.hamexplorerPlotly ??= {});
  slot.promise ??= new Promise((resolve) => (slot.resolve = resolve));
  return slot.promise;
}

function assign(trace, changes) {
  for (const [key, value] of Object.entries(changes)) {
    if (value === null) delete trace[key];
    else trace[key] = value;
  }
}

// Plotly fills in what it is given, so it gets copies; the arrays inside are shared, not copied.
const copied = (value) =>
  Array.isArray(value) ? value.map(copied)
  : value && typeof value === "object" && !("bdata" in value) && !ArrayBuffer.isView(value)
    ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, copied(inner)]))
  : value && typeof value === "object" && "bdata" in value ? { ...value } : value;

// Milliseconds: the longest that a plot rests after it was drawn, what counts as long to draw, and how long such a plot
// holds still under a moving pointer.
const LONGEST_REST = 2000, HEAVY = 100, LONGEST_HOLD = 4000;

// One call per widget: what initialize and render share is theirs alone.
// One plot a frame and then a rest: four in a row would keep a click waiting for half a second. Every widget loads this
// file for itself, so what they share is global.
const waiting = (globalThis.hamexplorerWaiting ??= []);
const later = (draw) => waiting.push(draw) && (waiting.length > 1 || requestAnimationFrame(drawNext));
const drawNext = () => {
  try {
    waiting[0]();
  } finally {
    waiting.shift();
    if (waiting.length) setTimeout(() => requestAnimationFrame(drawNext));
  }
};

// Plots with the same link show the same k-point. A trace says in its meta what it is for: "points" under the pointer
// carry [place, band], "places" carry their place, and a "mark" is put where the place under the pointer is, which the
// figure's first annotation tells.
const LINKED = "hamexplorer-linked";
const role = (name) => (trace) => trace.meta?.link === name;

function markAt(traces, place) {
  const places = traces.find(role("places"));
  const at = places?.customdata.indexOf(place) ?? -1;
  const found = {};
  for (const key of ["x", "y", "z"]) if (places?.[key]) found[key] = [places[key][at] ?? null];
  return { found, said: places?.text?.[at] ?? "" };
}

// Scenes that show one thing in several ways turn together. Where there is no room side by side they stand below each
// other, each with its words: those at the top of the figure (y = 1) above it, those at the bottom (y = 0) below.
const NARROW = 520;

function arrange(layout) {
  const scenes = layout.meta?.together ?? [];
  if (scenes.length < 2 || layout.width >= NARROW) return;
  const { t = 0, b = 0 } = layout.margin, n = scenes.length;
  const each = Math.min(240, layout.height - t - b), height = n * each + (n - 1) * (t + b);
  layout.height = height + t + b;
  const top = (index) => 1 - (index * (each + t + b)) / height;
  const bottom = (index) => Math.max(0, top(index) - each / height);
  scenes.forEach((name, index) => (layout[name].domain = { x: [0, 1], y: [bottom(index), top(index)] }));
  for (const words of layout.annotations) {
    const index = Math.min(n - 1, Math.floor(words.x * n));
    Object.assign(words, { x: 0.5, y: words.y > 0.5 ? top(index) : bottom(index) });
  }
}

// At most ten messages a second, the last one always.
function seldom(send) {
  let next, timer;
  return (message) => {
    next = message;
    timer ??= setTimeout(() => ((timer = undefined), send(next)), 100);
  };
}

export default () => {
  const views = new Set();

  function initialize({ model }) {
    model.on("msg:custom", (message) => {
      if (message.data) model.set("_widget_data", message.data);
      const traces = model.get("_widget_data");
      message.changes?.forEach((changes, index) => assign(traces[index], changes));
      if (message.layout) model.set("_widget_layout", message.layout);
      for (const request of views) request();
    });
  }

  function render({ model, el }) {
    const place = document.createElement("div");
    place.classList.add("hamexplorer-plot");
    place.style.width = "100%";
    el.append(place);
    let asked = false;
    const save = saveButtons({
      place,
      name: model.get("name"),
      library: () => library,
      ask: () => ((asked = true), model.send({ save: "html" })),
    });
    const take = (message, buffers) => {
      if (!message.file || !asked) return;
      asked = false;
      save.receive(buffers[0]);
    };
    if (model.get("name")) el.append(save.bar, save.numbers);
    model.on("msg:custom", take);
    let library, requested = false, drawn = false;
    // Only what is in sight, or nearly, is drawn; Python hears of it and makes no figures for the rest.
    let seen = false;
    const view = Math.random().toString(36).slice(2);
    // What the reader zoomed to, axis by axis: {xaxis: {range}}; forgotten when the figure's revision changes.
    let zoom = {}, revision, camera;
    // The place that a linked plot points at, and what is under the pointer here.
    let marked = null, pointed = null;

    let restUntil = 0, took = 0, movedAt = -Infinity;
    place.addEventListener("pointermove", () => (movedAt = performance.now()));
    const draw = () => {
      const began = performance.now();
      requested = false;
      // A hidden tab has no width: the observer below draws as soon as there is one.
      if (!library || !seen || !place.isConnected || place.clientWidth === 0) return;
      if (place._dragging) return void setTimeout(request, 200);
      const layout = { ...copied(model.get("_widget_layout")), width: place.clientWidth };
      if (layout.uirevision !== revision) (zoom = {}), (camera = undefined);
      revision = layout.uirevision;
      for (const [axis, view] of Object.entries(zoom)) {
        if (!layout[axis]) continue;
        delete layout[axis].range;
        Object.assign(layout[axis], view);
      }
      arrange(layout);
      place.style.minHeight = `${layout.height}px`;
      if (camera) for (const name of layout.meta?.together ?? []) layout[name].camera = copied(camera);
      const traces = copied(model.get("_widget_data"));
      const mark = traces.find(role("mark"));
      if (mark && marked !== null) {
        const { found, said } = markAt(traces, marked);
        Object.assign(mark, found);
        layout.annotations[0].text = said;
      }
      library.react(place, traces, layout, { ...model.get("_config") });
      const rest = () => {
        took = performance.now() - began;
        restUntil = performance.now() + Math.min(LONGEST_REST, 3 * took);
      };
      rest();
      // WebGL draws after plotly has returned: how long it all took is known two frames later.
      if (traces.some(({ type }) => /gl$|3d$/.test(type))) {
        restUntil = performance.now() + LONGEST_REST;
        requestAnimationFrame(() => requestAnimationFrame(rest));
      }
      if (!drawn) listen();
      drawn = true;
    };
    const linked = (event) => {
      const point = event?.points?.find((each) => role("points")(each.data) && each.customdata?.[0] >= 0);
      return point ? { place: point.customdata[0], band: point.customdata[1], set: point.data.meta.set } : null;
    };
    const sendHovered = seldom((hovered) => model.send({ hovered }));
    const point = (found) => {
      if (JSON.stringify(found) === JSON.stringify(pointed)) return;
      pointed = found;
      const detail = { link: model.get("link"), place: found?.place ?? null };
      document.dispatchEvent(new CustomEvent(LINKED, { detail }));
      sendHovered(found);
    };
    // After a click plotly does not always notice that the pointer is gone. A finger that scrolls on is not gone.
    const gone = ({ pointerType, target }) => {
      if (pointed && pointerType === "mouse" && !place.contains(target)) point(null);
    };
    const follow = ({ detail }) => {
      if (!detail.link || detail.link !== model.get("link") || detail.place === marked) return;
      marked = detail.place;
      requestAnimationFrame(showMark);
    };
    const showMark = () => {
      const index = drawn ? (place.data?.findIndex(role("mark")) ?? -1) : -1;
      if (index < 0) return;
      const { found, said } = markAt(place.data, marked);
      const moved = Object.fromEntries(Object.entries(found).map(([key, value]) => [key, [value]]));
      library.update(place, moved, { "annotations[0].text": said }, [index]);
    };
    const listen = () => {
      place.on("plotly_hover", (event) => point(linked(event)));
      place.on("plotly_unhover", () => point(null));
      place.on("plotly_click", (event) => {
        const clicked = linked(event);
        if (clicked) model.send({ clicked });
        const chosen = event.points?.find((point) => point.data.meta?.choose && point.customdata !== null);
        if (chosen) return model.send({ chosen: { what: chosen.data.meta.choose, value: chosen.customdata } });
        const picked = event.points?.find((point) => Number.isInteger(point.customdata))?.customdata;
        if (picked !== undefined) model.send({ picked });
      });
      place.on("plotly_selected", (event) => {
        const found = (event?.points ?? []).map((point) => point.customdata).filter(Number.isInteger);
        model.send({ gathered: [...new Set(found)].sort((a, b) => a - b) });
      });
      place.on("plotly_deselect", () => model.send({ gathered: [] }));
      place.on("plotly_relayouting", turn);
      place.on("plotly_relayout", (changes) => {
        turn(changes);
        for (const key of Object.keys(changes)) {
          const axis = key.match(/^([xy]axis\d*)\.range/)?.[1];
          if (axis) zoom[axis] = { range: [...place._fullLayout[axis].range], autorange: false };
        }
      });
      // Plotly's own reset goes back to the very first figure; ours to the present one, and from there to all points.
      place.on("plotly_doubleclick", () => {
        const axes = Object.keys(place._fullLayout).filter((key) => /^[xy]axis\d*$/.test(key));
        const movable = axes.filter((key) => !place._fullLayout[key].fixedrange);
        zoom = Object.keys(zoom).length ? {} : Object.fromEntries(movable.map((key) => [key, { autorange: true }]));
        request();
      });
    };
    let turning = false;
    const turn = (changes) => {
      const together = place._fullLayout?.meta?.together ?? [];
      const from = together.find((name) => changes[`${name}.camera`]);
      if (!from || turning) return;
      camera = copied(changes[`${from}.camera`]);
      turning = true;
      requestAnimationFrame(() => {
        const others = together.filter((name) => name !== from).map((name) => [`${name}.camera`, copied(camera)]);
        library.relayout(place, Object.fromEntries(others)).finally(() => (turning = false));
      });
    };
    // A plot that takes long to draw rests longer, so that the page has three quarters of the time for the reader.
    const request = () => {
      if (requested) return;
      requested = true;
      wait();
    };
    // One that takes long holds still while the reader points at it, for a while.
    const wait = (since = performance.now()) => {
      const now = performance.now(), read = took > HEAVY && now - movedAt < 500 && now - since < LONGEST_HOLD;
      const rest = read ? 250 : restUntil - now;
      rest > 0 ? setTimeout(wait, rest, since) : later(draw);
    };

    document.addEventListener(LINKED, follow);
    document.addEventListener("pointermove", gone);
    views.add(request);
    const observer = new ResizeObserver(request);
    observer.observe(place);
    const watch = new IntersectionObserver((entries) => {
      const now = entries.at(-1).isIntersecting;
      if (now === seen && watch.told) return;
      watch.told = true;
      seen = now;
      model.send({ view, seen });
      if (seen) request();
    }, { rootMargin: "120px" });
    watch.observe(place);
    place.style.minHeight = `${model.get("_widget_layout").height}px`;
    plotly().then((loaded) => {
      library = loaded;
      request();
    });
    return () => {
      observer.disconnect();
      watch.disconnect();
      model.off("msg:custom", take);
      document.removeEventListener(LINKED, follow);
      document.removeEventListener("pointermove", gone);
      views.delete(request);
      if (drawn) library.purge(place);
      model.send({ view, seen: null }); // last: the kernel may be gone
    };
  }

  return { initialize, render };
};
