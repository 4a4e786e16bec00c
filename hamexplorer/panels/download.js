// A button; the kernel answers a press with a file, which goes to the reader's downloads.

function render({ model, el }) {
  el.classList.add("hx-download");
  const button = document.createElement("button");
  button.type = "button";
  button.className = "jupyter-button hx-button hx-quiet";
  el.append(button);
  let asked = false;

  const show = () => {
    const reason = model.get("reason");
    button.textContent = `↓ ${model.get("label")}`;
    button.disabled = Boolean(reason);
    button.title = reason ? `Not now: ${reason}` : `Download ${model.get("label")}`;
  };
  const receive = (message, buffers) => {
    if (!asked || !message.filename) return;
    asked = false;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([buffers[0]]));
    link.download = message.filename;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  };
  button.addEventListener("click", () => {
    asked = true;
    model.send({ ask: "file" });
  });
  model.on("change:label change:reason", show);
  model.on("msg:custom", receive);
  show();
  return () => {
    model.off("change:label change:reason", show);
    model.off("msg:custom", receive);
  };
}

export default { render };
