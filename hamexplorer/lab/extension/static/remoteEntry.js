// Two cards in JupyterLab's launcher, and the same in the command palette (Notebook 7 has only that).
// Lab loads extensions as containers of module federation. A bundler would write some 100 kB around these lines; the
// contract is two functions, so they stand here by themselves.
(() => {
  const PAGES = [
    {
      id: "hamexplorer:open-dashboard",
      label: "hamexplorer",
      caption: "Learn effective Hamiltonians of molecules and crystals: the dashboard",
      path: "hamexplorer/dashboard",
    },
    {
      id: "hamexplorer:open-lessons",
      label: "Lessons",
      caption: "All lessons of hamexplorer",
      path: "hamexplorer/",
    },
  ];
  // Two levels that split as two orbitals meet. A colour that is read on light and on dark.
  const ICON = `<svg xmlns="http://www.w3.org/2000/svg" width="24" viewBox="0 0 24 24" fill="none" stroke="#2b8cc4" stroke-width="2"
    stroke-linecap="round"><path d="M2 12h5M17 12h5M9.5 5h5M9.5 19h5"/><path d="M7 12l2.5-7M7 12l2.5 7M17 12l-2.5-7M17 12l-2.5 7"
    stroke-width="1" stroke-dasharray="1 2"/></svg>`;

  let shared = {};

  // A token must be the very object that Lab itself uses, or nobody knows it: of several versions, the one in use.
  async function from(module, name) {
    const versions = Object.values(shared[module] ?? {});
    const used = versions.find((one) => one.loaded) ?? versions.find((one) => one.from?.startsWith("@jupyter")) ?? versions[0];
    return used && (await used.get())()[name];
  }

  async function plugins() {
    const launchers = await from("@jupyterlab/launcher", "ILauncher");
    const palettes = await from("@jupyterlab/apputils", "ICommandPalette");
    const LabIcon = await from("@jupyterlab/ui-components", "LabIcon");
    const icon = LabIcon && new LabIcon({ name: "hamexplorer:levels", svgstr: ICON });
    return {
      id: "hamexplorer:cards",
      description: "Opens the dashboard and the lessons of hamexplorer.",
      autoStart: true,
      optional: [launchers, palettes].filter(Boolean),
      activate(app, ...found) {
        const launcher = launchers && found.shift();
        const palette = palettes && found.shift();
        const base = app.serviceManager.serverSettings.baseUrl;
        for (const [rank, { id, label, caption, path }] of PAGES.entries()) {
          app.commands.addCommand(id, {
            label: (args) => (args.isPalette ? `hamexplorer: ${caption}` : label),
            caption,
            icon: (args) => (args.isPalette ? undefined : icon),
            execute: () => void window.open(new URL(path, base), "_blank", "noopener"),
          });
          launcher?.add({ command: id, category: "hamexplorer", rank });
          palette?.addItem({ command: id, category: "hamexplorer", args: { isPalette: true } });
        }
      },
    };
  }

  window._JUPYTERLAB ??= {};
  window._JUPYTERLAB.hamexplorer = {
    init: (scope) => void (shared = scope),
    async get(module) {
      if (module !== "./extension") throw new Error(`hamexplorer has no module ${module}`);
      const plugin = await plugins();
      return () => ({ __esModule: true, default: plugin });
    },
  };
})();
