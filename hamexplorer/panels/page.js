// Tells Python whether the page is dark and what its address asks for, lets the reader choose where nobody else does, names what has no name for
// screen readers, and fires a window resize when Python asks for one.

const KEPT = "hamexplorer-theme";

// JupyterLab and Notebook have themes of their own; Voila's page, which is the notebook's body, has none.
const isVoila = () => document.body.classList.contains("jp-Notebook");
const remembered = () => {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null; // a browser that keeps nothing
  }
};
function wear(theme) {
  document.documentElement.dataset.hxTheme = theme;
  document.body.dataset.jpThemeLight = theme === "dark" ? "false" : "true";
}

function themeButton() {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "hx-theme";
  const show = () => {
    const dark = document.documentElement.dataset.hxTheme === "dark";
    button.textContent = dark ? "☀ Light" : "☾ Dark";
    button.title = `Turn the page ${dark ? "light" : "dark"}`;
  };
  button.addEventListener("click", () => {
    const theme = document.documentElement.dataset.hxTheme === "dark" ? "light" : "dark";
    wear(theme);
    show();
    try {
      localStorage.setItem(KEPT, theme);
    } catch {
      // It holds until the page is closed.
    }
  });
  show();
  return button;
}

// ipywidgets puts a slider's words beside it and does not say that they are its name.
function giveNames() {
  for (const handle of document.querySelectorAll(".hx-app .noUi-handle:not([aria-label])")) {
    const words = handle.closest(".widget-slider")?.querySelector(".widget-label")?.textContent;
    if (words?.trim()) handle.setAttribute("aria-label", words);
  }
  // The player's two buttons are icons alone.
  for (const [place, button] of document.querySelectorAll(".hx-app .hx-play button:not([aria-label])").entries())
    button.setAttribute("aria-label", place % 2 ? "Stop the frames" : "Play the frames");
  // ipywidgets counts files in the button's words; they are read at once, so that the number says nothing.
  for (const button of document.querySelectorAll(".hx-app .widget-upload")) {
    const words = button.lastChild;
    if (words?.nodeType === Node.TEXT_NODE && / \(\d+\)$/.test(words.data)) words.data = words.data.replace(/ \(\d+\)$/, "");
  }
  const ofWeights = ".hx-weight input:not([aria-label]), .noUi-handle:not([aria-label])";
  for (const field of document.querySelectorAll(`.hx-app .hx-target :is(${ofWeights})`)) {
    const words = field.closest(".hx-target").querySelector(".hx-check")?.textContent.replaceAll("\u200b", "").trim();
    field.setAttribute("aria-label", `Weight of ${words}`);
  }
}

function isDark() {
  const light = document.body.dataset.jpThemeLight;
  if (light !== undefined) return light === "false";
  const channels = getComputedStyle(document.body).backgroundColor.match(/[\d.]+/g)?.map(Number);
  if (!channels || channels[3] === 0) return matchMedia("(prefers-color-scheme: dark)").matches;
  return channels[0] + channels[1] + channels[2] < 384;
}

function render({ model, el }) {
  el.classList.add("hx-page");
  if (isVoila() && !document.querySelector(".hx-theme")) {
    wear(remembered() ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"));
    el.append(themeButton());
  }
  if (isVoila() && !model.get("address")) {
    const asked = new URLSearchParams(location.search);
    asked.delete("token"); // Binder's, and nobody else's business
    if (asked.size) {
      model.set("address", `?${asked}`);
      model.save_changes();
    }
  }
  giveNames();
  let naming;
  const names = new MutationObserver(() => (naming ??= setTimeout(() => ((naming = undefined), giveNames()), 300)));
  names.observe(document.body, { childList: true, subtree: true });
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
    names.disconnect();
    scheme.removeEventListener("change", tell);
    model.off("change:resized", resize);
  };
}

export default { render };
