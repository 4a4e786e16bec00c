// Tells Python whether the page is dark, and fires a window resize when Python asks for one.

function isDark() {
  const light = document.body.dataset.jpThemeLight;
  if (light !== undefined) return light === "false";
  const channels = getComputedStyle(document.body).backgroundColor.match(/[\d.]+/g)?.map(Number);
  if (!channels || channels[3] === 0) return matchMedia("(prefers-color-scheme: dark)").matches;
  return channels[0] + channels[1] + channels[2] < 384;
}

function render({ model, el }) {
  el.classList.add("hx-page");
  const tell = () => {
    const dark = isDark();
    document.querySelectorAll(".hx-app").forEach((app) => app.classList.toggle("hx-dark", dark));
    if (model.get("dark") !== dark) {
      model.set("dark", dark);
      model.save_changes();
    }
  };
  const resize = () => requestAnimationFrame(() => window.dispatchEvent(new Event("resize")));
  const observer = new MutationObserver(tell);
  observer.observe(document.body, { attributes: true });
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  scheme.addEventListener("change", tell);
  model.on("change:resized", resize);
  tell();
  resize();
  return () => {
    observer.disconnect();
    scheme.removeEventListener("change", tell);
    model.off("change:resized", resize);
  };
}

export default { render };
