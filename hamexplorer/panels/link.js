// An address and a button that copies it. Only a page of the dashboard alone has one: in JupyterLab it says so.

function render({ model, el }) {
  el.classList.add("hx-link");
  const field = document.createElement("input");
  field.readOnly = true;
  field.setAttribute("aria-label", "The address");
  const button = document.createElement("button");
  button.type = "button";
  button.className = "jupyter-button hx-button";
  const words = "Copy the address";
  const status = document.createElement("span");
  status.setAttribute("role", "status");
  el.append(field, button, status);
  const alone = document.body.classList.contains("jp-Notebook");

  const show = () => {
    const reason = alone ? model.get("reason") : "a notebook has no address to share; `hamexplorer` serves the dashboard at one";
    field.value = reason ? "" : `${location.origin}${location.pathname}?${model.get("query")}`;
    field.placeholder = reason ? `Not now: ${reason}` : "";
    field.title = field.placeholder;
    button.textContent = words;
    button.disabled = Boolean(reason);
    status.textContent = "";
  };
  button.addEventListener("click", async () => {
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
    } catch {
      document.execCommand("copy"); // pages that come without TLS have no other way
    }
    status.textContent = "Copied";
  });
  model.on("change:query change:reason", show);
  show();
  return () => model.off("change:query change:reason", show);
}

export default { render };
