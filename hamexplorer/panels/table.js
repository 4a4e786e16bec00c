// A table that draws only the rows in sight; a click or the arrow keys pick one.

const ROW = 30;

function render({ model, el }) {
  el.classList.add("hx-table");
  const head = document.createElement("div");
  head.className = "hx-table-head";
  head.setAttribute("aria-hidden", "true");
  const body = document.createElement("div");
  body.className = "hx-table-body";
  body.tabIndex = 0;
  body.setAttribute("role", "listbox");
  body.setAttribute("aria-label", "Structures");
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

  const drawHead = () => {
    head.style.gridTemplateColumns = template();
    head.replaceChildren(...cells(model.get("columns").map((column) => column.label)));
  };
  const drawBody = () => {
    const rows = model.get("rows");
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
    const place = model.get("rows").findIndex(([key]) => key === model.get("picked"));
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
    const rows = model.get("rows");
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
  model.on("change:columns", () => (drawHead(), drawBody()));
  model.on("change:rows change:empty change:height", filled);
  model.on("change:picked", reveal);
  drawHead();
  drawBody();
  const observer = new ResizeObserver(reveal);
  observer.observe(body);
  return () => observer.disconnect();
}

export default { render };
