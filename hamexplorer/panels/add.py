"""Add structures: a file from the reader's disk, or any entry of SOURCES with its form."""

from __future__ import annotations

import ipywidgets as widgets

from hamexplorer.panels.forms import Form, read_or_none
from hamexplorer.panels.parts import Button, row, styled, text
from hamexplorer.panels.uploads import MAX_UPLOAD, upload_name, why_not_upload
from hamexplorer.session import Session
from hamexplorer.structures.sources import SOURCES, offered_sources
from hamexplorer.visiting import is_visitor

_CURE = "split the file"


class AddPanel:
    """Upload on top, sources with their forms below."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._upload = styled(
            widgets.FileUpload(
                multiple=True,
                description="Upload a file",
                icon="upload",
                tooltip=f"Structures from your disk, {MAX_UPLOAD / 1e6:.0f} MB at most",
            ),
            "hx-button",
            "hx-upload",
        )
        self._source = styled(
            widgets.Dropdown(
                description="or make them from",
                tooltip="Where structures can come from without a file",
                options=[(SOURCES[name].label, name) for name in offered_sources()],
                value="smiles" if "smiles" in SOURCES else next(iter(SOURCES)),
            ),
            "hx-field",
        )
        self._help = text("", "hx-help")
        self._place = widgets.VBox()
        self._forms: dict[str, Form] = {}
        self._load = Button("Load", help="Add these structures to the list", icon="plus", names=["hx-load"])
        self._remove = Button(
            "Remove added", help="Remove the structures without references", names=["hx-quiet", "hx-remove"]
        )
        note = text(
            "Molecules: xyz, sdf, mol, pdb, ASE json or db. Crystals: CIF, POSCAR, extended xyz; .npz with H and S. "
            "A hamexplorer .h5 opens as dataset.",
            "hx-help",
        )
        children = [self._upload, note, self._source, self._help, self._place, row(self._load, self._remove)]
        self.widget = styled(widgets.VBox(children), "hx-stack")
        self._upload.observe(self._uploaded, "value")
        self._source.observe(lambda _: self._show_source(), "value")
        self._load.on_click(lambda _: self._load_source())
        self._remove.on_click(lambda _: session.remove_loaded())
        session.observe(self._allow, ["loading", "loaded"])
        self._show_source()
        self._allow()

    def _show_source(self) -> None:
        name = self._source.value
        if name not in self._forms:
            self._forms[name] = Form(SOURCES[name].Params)
        self._help.value = SOURCES[name].help
        self._place.children = [self._forms[name].widget]

    def _load_source(self) -> None:
        name = self._source.value
        params = read_or_none(self._forms[name], lambda sentence: self._session.say(sentence, "error"))
        if params is not None:
            self._session.load_structures(name, params)

    def _uploaded(self, change) -> None:
        files = change["new"]
        if not files:
            return
        try:
            if reason := why_not_upload(
                files, _CURE if is_visitor() else f"{_CURE}, or give its path as source File"
            ):
                self._session.say(reason, "error")
            else:
                self._session.load_upload(
                    {upload_name(file["name"]): bytes(file["content"]) for file in files}
                )
        finally:
            # Emptied, so that the same file can be chosen again.
            self._upload.value = ()

    def _allow(self, _=None) -> None:
        busy = f"{self._session.loading} is under way" if self._session.loading else ""
        self._load.allow(busy)
        self._upload.disabled = bool(busy)
        self._remove.allow(busy or ("" if self._session.loaded else "every structure has references"))
