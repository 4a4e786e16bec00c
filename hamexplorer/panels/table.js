// A table that draws only the rows in sight; a click or the arrow keys pick one, a click on a heading sorts by it.

const ROW = 30;

function render({ model, el }) {
  el.classList.add("hx-table");
  const head = document.createElement("div");
  head.className = "hx-table-head";
  const body = document.createElement("div");
  body.className = "hx-table-body";
  body.tabIndex = 0;
  body.setAttribute("role", "listbox");
  body.setAttribute("aria-label", model.get("label"));
  const space = document.createElement("div");
  space.className = "hx-table-space";
  body.append(space);
  el.append(head, body);

  const template = () => model.get("columns").map((column) => column.width ?? "1fr").join(" ");
  const cells = (values) =>
    model.get("columns").map((column, index) => {
      const cell = document.createElement("span");
      cell.textContent = values[index];
      cell.title = index === 0 ? values[index] : column.title ?? "";
      if (column.align) cell.style.textAlign = column.align;
      if (column.mark) cell.dataset.value = values[index];
      return cell;
    });

  // Up, down, and as they came.
  let by = null, down = false;
  const compare = (a, b) =>
    typeof a === "number" && typeof b === "number" ? a - b
    : `${a}`.localeCompare(`${b}`, undefined, { numeric: true });
  const ordered = () => {
    const rows = model.get("rows");
    if (by === null) return rows;
    return [...rows].sort((one, other) => (down ? -1 : 1) * compare(one[by + 1], other[by + 1]));
  };
  const sort = (index) => {
    if (by !== index) (by = index), (down = false);
    else if (!down) down = true;
    else by = null;
    drawHead();
    reveal();
  };
  const drawHead = () => {
    head.style.gridTemplateColumns = template();
    const drawn = cells(model.get("columns").map((column) => column.label));
    drawn.forEach((cell, index) => {
      const button = document.createElement("button");
      const how = by !== index ? "" : down ? ", falling" : ", rising";
      Object.assign(button, { type: "button", className: "hx-sort", textContent: cell.textContent });
      button.setAttribute("aria-label", `Sort by ${cell.textContent}${how}`);
      button.title = `${cell.title || cell.textContent}: click to sort`;
      if (by === index) button.dataset.sorted = down ? "down" : "up";
      button.addEventListener("click", () => sort(index));
      cell.title = "";
      cell.replaceChildren(button);
    });
    const focused = [...head.querySelectorAll("button")].indexOf(document.activeElement);
    head.replaceChildren(...drawn);
    if (focused >= 0) head.querySelectorAll("button")[focused]?.focus();
  };
  const drawBody = () => {
    const rows = ordered();
    const picked = model.get("picked");
    space.style.height = `${Math.max(rows.length, 1) * ROW}px`;
    body.style.maxHeight = `${model.get("height")}px`;
    if (!rows.length) {
      const note = document.createElement("div");
      note.className = "hx-table-empty";
      note.textContent = model.get("empty");
      space.replaceChildren(note);
      return;
    }
    const first = Math.max(0, Math.floor(body.scrollTop / ROW) - 4);
    const last = Math.min(rows.length, first + Math.ceil(model.get("height") / ROW) + 8);
    space.replaceChildren(
      ...rows.slice(first, last).map(([key, ...values], offset) => {
        const line = document.createElement("div");
        line.className = "hx-table-row";
        line.style.top = `${(first + offset) * ROW}px`;
        line.style.gridTemplateColumns = template();
        line.setAttribute("role", "option");
        line.setAttribute("aria-selected", String(key === picked));
        line.dataset.key = key;
        line.append(...cells(values));
        return line;
      }),
    );
  };
  const reveal = () => {
    const place = ordered().findIndex(([key]) => key === model.get("picked"));
    if (place >= 0) {
      const top = place * ROW;
      if (top < body.scrollTop) body.scrollTop = top;
      else if (top + ROW > body.scrollTop + body.clientHeight) body.scrollTop = top + ROW - body.clientHeight;
    }
    drawBody();
  };
  const pick = (key) => {
    model.set("picked", key);
    model.save_changes();
  };

  body.addEventListener("scroll", drawBody, { passive: true });
  body.addEventListener("click", (event) => {
    const line = event.target.closest(".hx-table-row");
    if (line) pick(Number(line.dataset.key));
  });
  body.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 6, PageUp: -6, Home: -Infinity, End: Infinity }[event.key];
    const rows = ordered();
    if (step === undefined || !rows.length) return;
    // JupyterLab would move to the next cell.
    event.preventDefault();
    event.stopPropagation();
    const place = rows.findIndex(([key]) => key === model.get("picked"));
    pick(rows[Math.min(rows.length - 1, Math.max(0, place + step))][0]);
  });
  const filled = () => {
    drawBody();
    reveal();
  };
  model.on("change:columns", () => ((by = null), drawHead(), drawBody()));
  model.on("change:rows change:empty change:height", filled);
  model.on("change:picked", reveal);
  drawHead();
  drawBody();
  const observer = new ResizeObserver(reveal);
  observer.observe(body);
  return () => observer.disconnect();
}

export default { render };
