// What a reader can take away from a plot: its numbers as a table or as CSV, pictures, and the plot itself as one page.

// The traces with numbers, decoded: plotly keeps typed arrays where the figure had text.
const LONGEST_TABLE = 400;
const quoted = (value) => {
  const text = value === null || value === undefined ? "" : `${value}`.replaceAll(/<[^>]*>/g, " ");
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};
const plain = (value) => (typeof value === "number" && !Number.isFinite(value) ? "" : value);

function rowsOf(traces) {
  const rows = [];
  for (const trace of traces) {
    if (trace.type === "mesh3d" || trace.visible === false) continue;
    const name = trace.name ?? "";
    if (trace.type === "heatmap") {
      trace.z.forEach((row, i) => Array.from(row).forEach((z, j) => rows.push([name, j, i, z, trace.text?.[i]?.[j] ?? ""])));
      continue;
    }
    const n = trace.x?.length ?? trace.y?.length ?? 0;
    for (let k = 0; k < n; k++) {
      const found = [trace.x?.[k], trace.y?.[k], trace.z?.[k]].map(plain);
      // A gap in a line is no number.
      if (found.every((value) => value === "" || value === null || value === undefined)) continue;
      const text = Array.isArray(trace.text) ? trace.text[k] : "";
      rows.push([name, ...found, text ?? ""]);
    }
  }
  return rows;
}

const titleOf = (layout, axis) => layout[axis]?.title?.text ?? axis[0];
function headOf(layout) {
  return ["series", titleOf(layout, "xaxis"), titleOf(layout, "yaxis"), "z", "label"];
}

function csvOf(traces, layout) {
  return [headOf(layout), ...rowsOf(traces)].map((row) => row.map(quoted).join(",")).join("\n") + "\n";
}

function hand(content, filename) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content]));
  link.download = filename;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

function tableOf(traces, layout, name) {
  const table = document.createElement("table");
  const rows = rowsOf(traces);
  const caption = table.createCaption();
  caption.textContent = rows.length > LONGEST_TABLE
    ? `The numbers of ${name}: the first ${LONGEST_TABLE} of ${rows.length}; CSV has all.` : `The numbers of ${name}.`;
  const used = headOf(layout).map((_, k) => k === 0 || rows.some((row) => row[k] !== "" && row[k] !== undefined));
  const add = (cells, tag) => {
    const line = table.insertRow();
    cells.forEach((value, k) => {
      if (!used[k]) return;
      const cell = document.createElement(tag);
      if (tag === "th") cell.scope = "col";
      cell.textContent = typeof value === "number" ? Number(value.toPrecision(6)) : `${value ?? ""}`.replaceAll(/<[^>]*>/g, " ");
      line.append(cell);
    });
  };
  add(headOf(layout), "th");
  rows.slice(0, LONGEST_TABLE).forEach((row) => add(row, "td"));
  return table;
}

// Buttons below a plot. `ask` gets the page from the kernel, which alone has all of plotly.
function saveButtons({ place, library, name, ask }) {
  const bar = document.createElement("div");
  bar.className = "hamexplorer-save";
  bar.setAttribute("role", "group");
  bar.setAttribute("aria-label", `Numbers and files of the plot ${name}`);
  const numbers = document.createElement("div");
  numbers.className = "hamexplorer-numbers";
  numbers.hidden = true;
  numbers.tabIndex = 0;
  const filename = (ending) => `${name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")}.${ending}`;
  const button = (label, title, act) => {
    const made = document.createElement("button");
    Object.assign(made, { type: "button", textContent: label, title, onclick: () => act(made) });
    bar.append(made);
    return made;
  };
  const table = button("Numbers", "Show the numbers of this plot as a table", (made) => {
    numbers.hidden = !numbers.hidden;
    made.setAttribute("aria-expanded", `${!numbers.hidden}`);
    if (!numbers.hidden) numbers.replaceChildren(tableOf(place._fullData ?? [], place._fullLayout ?? {}, name));
  });
  table.setAttribute("aria-expanded", "false");
  const picture = (format) => () =>
    library().downloadImage(place, {
      format, filename: filename(format).replace(`.${format}`, ""), width: place.clientWidth, height: place.clientHeight,
      scale: format === "png" ? 2 : 1,
    });
  button("PNG", "Save as a picture", picture("png"));
  button("SVG", "Save as a drawing", picture("svg"));
  button("CSV", "Save the numbers", () => hand(csvOf(place._fullData ?? [], place._fullLayout ?? {}), filename("csv")));
  button("HTML", "Save as a page that still moves, about 5 MB", ask);
  return { bar, numbers, receive: (content) => hand(content, filename("html")) };
}
