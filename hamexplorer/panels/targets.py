"""Step 2: what is learned, in which basis, with which model."""

from __future__ import annotations

import math

import ipywidgets as widgets

from hamexplorer.panels.forms import Form
from hamexplorer.panels.parts import MessageBox, card, fold, styled, text
from hamexplorer.params import params_of
from hamexplorer.physics.targets import TARGETS
from hamexplorer.session import Session
from hamexplorer.train.settings import RunSettings
from hamexplorer.train.suited import PRESETS

#: Settings under their own heading; every other one is found under "Optimiser and more".
BASIS = (
    "target_basis",
    "reduction",
    "n_virtual",
    "window_low",
    "window_high",
    "baseline",
    "model",
    "features",
    "response",
    "committee",
)
SPLIT = ("split_by", "train_fraction", "validation_fraction", "held_out", "train_at_most", "seed")
#: Weights may differ by many powers of ten.
_LIGHTEST, _HEAVIEST = 1e-9, 1e12
#: Powers of ten that a slider goes to either side of the usual weight.
_DECADES = 3
_WEIGHT_HELP = "A larger one makes this error fall at the cost of the others; it may change while it trains"


class TargetsPanel:
    """Targets with their weights, and every setting of a run in folded forms."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._quiet = False
        self._rows = {name: TargetRow(name, self._edited) for name in TARGETS}
        names = [entry.name for entry in params_of(RunSettings)]
        basis = [name for name in names if name in BASIS]
        split = [name for name in names if name in SPLIT]
        rest = [name for name in names if name not in (*BASIS, *SPLIT)]
        self._forms = [
            Form(session.settings, only=group, changed=self._configure) for group in (basis, split, rest)
        ]
        self._preset = styled(
            widgets.Dropdown(
                description="Preset",
                options=[("as ticked", ""), *((name, name) for name in PRESETS)],
                tooltip="Sets of targets that belong together, with the usual weights; the first four are the paper's",
            ),
            "hx-inline",
            "hx-preset",
        )
        self._frozen = text("", "hx-reason")
        titles = ("Basis and model", "Split", "Optimiser and more")
        self.widget = card(
            "Targets and basis",
            [
                self._preset,
                styled(widgets.VBox([row.widget for row in self._rows.values()]), "hx-targets"),
                self._frozen,
                MessageBox(session, "targets"),
                *(
                    fold(title, [form.widget])
                    for title, form in zip(titles, self._forms, strict=True)
                    if form.fields
                ),
            ],
            "hx-targets-card",
            number=2,
        )
        self._preset.observe(lambda change: self._take(change["new"]), "value")
        session.observe(self._show, "settings")
        session.observe(self._allow, ["state", "dataset", "settings"])
        self._show()
        self._allow()

    def _take(self, preset: str) -> None:
        """Tick a preset's targets, as far as the dataset has them."""
        if self._quiet or not preset:
            return
        session = self._session
        names = [name for name in PRESETS[preset] if not session.why_not_target(name)]
        missing = [TARGETS[name].label.lower() for name in PRESETS[preset] if name not in names]
        if names and session.set_weights({name: TARGETS[name].default_weight for name in names}) and missing:
            session.say(f"{', '.join(missing)} of this preset cannot be learned here", "warning", "targets")
        self._show()

    def _edited(self) -> None:
        if self._quiet:
            return
        chosen = {name: row.weight for name, row in self._rows.items() if row.chosen}
        if not self._session.set_weights(chosen):
            self._show()

    def _configure(self, change: dict) -> None:
        if not self._session.configure(**change):
            self._show()

    def _show(self, _=None) -> None:
        settings = self._session.settings
        self._quiet = True
        try:
            for name, row in self._rows.items():
                row.show(settings.targets.get(name))
            ticked = {name for name, names in PRESETS.items() if set(names) == set(settings.targets)}
            self._preset.value = next(iter(ticked), "")
        finally:
            self._quiet = False
        for form in self._forms:
            form.show(settings)

    def _allow(self, _=None) -> None:
        session = self._session
        running = session.running
        for name, row in self._rows.items():
            row.allow(session.why_not_target(name))
        for form in self._forms:
            form.allow("the settings of a training under way are fixed" if running else "")
        self._frozen.value = (
            "Targets and weights may change while it trains; the other settings are fixed until it ends."
            if running
            else ""
        )


class TargetRow:
    """One target: a box to tick and its weight."""

    def __init__(self, name: str, edited) -> None:
        target = TARGETS[name]
        self._default = target.default_weight
        self._help = target.help
        self._check = styled(
            widgets.Checkbox(description=target.label, indent=False, tooltip=target.help), "hx-check"
        )
        self._weight = styled(
            widgets.BoundedFloatText(
                value=self._default,
                min=_LIGHTEST,
                max=_HEAVIEST,
                tooltip=f"Weight in the loss. {_WEIGHT_HELP}",
            ),
            "hx-weight",
        )
        usual = math.log10(self._default)
        self._slider = styled(
            widgets.FloatLogSlider(
                value=self._default,
                min=usual - _DECADES,
                max=usual + _DECADES,
                step=0.1,
                readout=False,
                continuous_update=False,
                tooltip=f"Weight of {target.label}, up to a thousand times the usual one. {_WEIGHT_HELP}",
            ),
            "hx-weight-slider",
        )
        self._reason = text("", "hx-reason")
        self._quiet = False
        parts = [self._check, self._weight, self._slider, self._reason]
        self.widget = styled(widgets.HBox(parts), "hx-target")
        self._check.observe(lambda _: self._toggled(edited), "value")
        self._weight.observe(lambda _: self._weighed(edited), "value")
        self._slider.observe(lambda _: self._slid(), "value")

    @property
    def chosen(self) -> bool:
        return self._check.value

    @property
    def weight(self) -> float:
        return self._weight.value

    def _toggled(self, edited) -> None:
        self._offer_weight(self.chosen)
        edited()

    def _offer_weight(self, chosen: bool) -> None:
        self._weight.layout.visibility = "visible" if chosen else "hidden"
        self._slider.layout.display = "" if chosen else "none"

    def _weighed(self, edited) -> None:
        """The field leads: it takes weights that the slider cannot reach."""
        self._quiet = True
        self._slider.value = min(
            max(self.weight, self._slider.base**self._slider.min), self._slider.base**self._slider.max
        )
        self._quiet = False
        edited()

    def _slid(self) -> None:
        if not self._quiet:
            self._weight.value = float(f"{self._slider.value:.2g}")

    def show(self, weight: float | None) -> None:
        """Show a weight; None means that the target is not chosen."""
        self._check.value = weight is not None
        self._offer_weight(weight is not None)
        if weight is not None:
            self._weight.value = weight

    def allow(self, reason: str) -> None:
        self._check.disabled = self._weight.disabled = self._slider.disabled = bool(reason)
        self._check.tooltip = reason or self._help
        self._reason.value = reason
        self._reason.layout.display = "" if reason else "none"
