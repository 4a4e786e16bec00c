"""Reference calculations for molecules that have none: method, estimate, progress, cancel."""

from __future__ import annotations

import os
from html import escape

import ipywidgets as widgets

from hamexplorer.errors import HamExplorerError
from hamexplorer.panels.forms import Form, read_or_none
from hamexplorer.panels.parts import Button, duration, row, styled, text
from hamexplorer.reference.method import ReferenceMethod
from hamexplorer.session import Session


class ReferencesPanel:
    """Choose a method and compute what is missing."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._form = Form(ReferenceMethod(), changed=lambda _: self._estimate())
        cores = os.cpu_count() or 1
        self._jobs = styled(
            widgets.BoundedIntText(value=min(2, cores), min=1, max=cores, description="Processes"), "hx-field"
        )
        self._facts = text("", "hx-help", "hx-estimate")
        self._compute = Button(
            "Compute", help="Compute the references in the background", icon="cogs", names=["hx-compute"]
        )
        self._cancel = Button(
            "Cancel", help="Stop; what is finished is kept", names=["hx-quiet", "hx-cancel"]
        )
        self._bar = styled(widgets.FloatProgress(min=0, max=1), "hx-bar")
        self.widget = styled(
            widgets.VBox(
                [self._facts, self._bar, row(self._compute, self._cancel), self._form.widget, self._jobs]
            ),
            "hx-stack",
        )
        self._compute.on_click(lambda _: self._start())
        self._cancel.on_click(lambda _: session.cancel_references())
        self._jobs.observe(lambda _: self._estimate(), "value")
        session.observe(lambda _: self._follow_dataset(), "dataset")
        session.observe(lambda _: self._show(), ["references", "dataset", "selected", "structures"])
        self._follow_dataset()
        self._show()

    def _follow_dataset(self) -> None:
        """New references can join the open ones only if the method is the same: offer that one."""
        if self._session.dataset is not None:
            self._form.show(self._session.dataset.method)

    def _method(self) -> ReferenceMethod | None:
        return read_or_none(self._form, lambda sentence: self._session.say(sentence, "error", "references"))

    def _start(self) -> None:
        method = self._method()
        if method is not None:
            self._session.compute_references(method, jobs=self._jobs.value)

    def _show(self) -> None:
        state = self._session.references
        missing = len(self._session.without_references)
        reason = "reference calculations are under way" if state.running else ""
        self._compute.allow(reason or ("" if missing else "every chosen molecule has references"))
        self._cancel.allow("" if state.running and not state.cancelling else "nothing is being computed")
        self._form.allow(reason)
        self._jobs.disabled = state.running
        self._bar.layout.display = "" if state.running else "none"
        if not state.running:
            self._estimate()
            return
        self._bar.value = state.done / state.total
        left = f", about {duration(state.seconds_left)} left" if state.seconds_left is not None else ""
        doing = "cancelling" if state.cancelling else state.label
        self._facts.value = f"<b>{state.done} of {state.total}</b>{left} · {escape(doing)}"

    def _estimate(self) -> None:
        missing = len(self._session.without_references)
        if not missing:
            self._facts.value = "Every chosen molecule has references. Add molecules to compute more."
            return
        try:
            seconds = self._session.estimate_references(self._form.read(), jobs=self._jobs.value)
        except HamExplorerError as error:
            self._facts.value = escape(str(error))
            return
        noun = "molecule has" if missing == 1 else "molecules have"
        self._facts.value = f"<b>{missing}</b> {noun} no references: <b>about {duration(seconds)}</b>."
