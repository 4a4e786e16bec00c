"""Reference calculations for structures that have none: method, estimate, progress, cancel."""

from __future__ import annotations

from html import escape

import ipywidgets as widgets

from hamexplorer.errors import HamExplorerError
from hamexplorer.panels.forms import Form, read_or_none
from hamexplorer.panels.parts import Button, duration, row, styled, text
from hamexplorer.reference.kinds import Method
from hamexplorer.reference.methods import METHODS
from hamexplorer.session import Session
from hamexplorer.visiting import cores


class ReferencesPanel:
    """Choose a method for the kind of structure that waits, and compute what is missing."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._forms: dict[tuple[str, str], Form] = {}
        self._quiet = False
        n_cores = cores()
        self._jobs = styled(
            widgets.BoundedIntText(
                value=min(2, n_cores),
                min=1,
                max=n_cores,
                description="Processes",
                tooltip=f"Calculations at a time, one core each; at most {n_cores} here",
            ),
            "hx-field",
        )
        self._facts = text("", "hx-help", "hx-estimate")
        self._offer = styled(
            widgets.Dropdown(description="Method", tooltip="The calculation that gives the reference values"),
            "hx-field",
        )
        self._help = text("", "hx-help")
        self._place = widgets.VBox()
        self._compute = Button(
            "Compute", help="Compute the references in the background", icon="cogs", names=["hx-compute"]
        )
        self._cancel = Button(
            "Cancel", help="Stop; what is finished is kept", names=["hx-quiet", "hx-cancel"]
        )
        self._bar = styled(widgets.FloatProgress(min=0, max=1), "hx-bar")
        buttons = row(self._compute, self._cancel)
        children = [self._facts, self._bar, buttons, self._offer, self._help, self._place, self._jobs]
        self.widget = styled(widgets.VBox(children), "hx-stack")
        self._compute.on_click(lambda _: self._start())
        self._cancel.on_click(lambda _: session.cancel_references())
        self._jobs.observe(lambda _: self._estimate(), "value")
        self._offer.observe(lambda _: None if self._quiet else self._show_form(), "value")
        session.observe(lambda _: self._follow_dataset(), "dataset")
        session.observe(lambda _: self._show(), ["references", "dataset", "selected", "structures", "picked"])
        self._follow_dataset()
        self._show()

    @property
    def _kind(self) -> str:
        return self._session.reference_kind

    @property
    def _form(self) -> Form:
        """The form of the method that is chosen for the kind of structure that waits; made when first shown."""
        key = (self._kind, self._offer.value)
        if key not in self._forms:
            method = METHODS[key[0]][key[1]].method
            self._forms[key] = Form(method(), changed=lambda _: self._estimate())
        return self._forms[key]

    def _follow_dataset(self) -> None:
        """New references can join the open ones only if the method is the same: offer that one."""
        if self._session.dataset is None:
            return
        method = self._session.dataset.method
        for kind, offers in METHODS.items():
            for name, offer in offers.items():
                if isinstance(method, offer.method):
                    key = (kind, name)
                    if key not in self._forms:
                        self._forms[key] = Form(method, changed=lambda _: self._estimate())
                    self._forms[key].show(method)
                    if kind == self._kind:
                        self._offer_methods(name)

    def _offer_methods(self, wanted: str | None = None) -> None:
        """The menu of methods follows the kind of structure; a menu of one is none."""
        offers = METHODS[self._kind]
        options = tuple((offer.label, name) for name, offer in offers.items())
        self._quiet = True
        try:
            kept = wanted or (self._offer.value if self._offer.value in offers else next(iter(offers)))
            if tuple(self._offer.options) != options:
                self._offer.options = options
            self._offer.value = kept
        finally:
            self._quiet = False
        self._offer.layout.display = "" if len(offers) > 1 else "none"
        self._help.value = escape(offers[kept].help) if len(offers) > 1 or self._kind == "crystal" else ""

    def _show_form(self) -> None:
        self._help.value = escape(METHODS[self._kind][self._offer.value].help)
        self._show()

    def _method(self) -> Method | None:
        return read_or_none(self._form, lambda sentence: self._session.say(sentence, "error", "references"))

    def _start(self) -> None:
        method = self._method()
        if method is not None:
            self._session.compute_references(method, jobs=self._jobs.value)

    def _show(self) -> None:
        state = self._session.references
        self._offer_methods()
        if self._place.children != (self._form.widget,):
            self._place.children = (self._form.widget,)
        self._compute.allow(self._session.why_not_references())
        self._cancel.allow("" if state.running and not state.cancelling else "nothing is being computed")
        reason = "reference calculations are under way" if state.running else ""
        self._form.allow(reason)
        self._jobs.disabled = self._offer.disabled = state.running
        self._bar.layout.display = "" if state.running else "none"
        if not state.running:
            self._estimate()
            return
        self._bar.value = state.done / state.total
        left = f", about {duration(state.seconds_left)} left" if state.seconds_left is not None else ""
        doing = "cancelling" if state.cancelling else state.label
        self._facts.value = f"<b>{state.done} of {state.total}</b>{left} · {escape(doing)}"

    def _estimate(self) -> None:
        session = self._session
        missing = len(session.without_references)
        if not missing:
            self._facts.value = "Every chosen structure has references. Add structures to compute more."
            return
        if reason := session.why_not_references():
            self._facts.value = escape(f"{reason[:1].upper()}{reason[1:]}.")
            return
        try:
            seconds = session.estimate_references(self._form.read(), jobs=self._jobs.value)
        except HamExplorerError as error:
            self._facts.value = escape(str(error))
            return
        noun = self._kind if missing == 1 else f"{self._kind}s"
        has = "has" if missing == 1 else "have"
        self._facts.value = f"<b>{missing}</b> {noun} {has} no references: <b>about {duration(seconds)}</b>."
