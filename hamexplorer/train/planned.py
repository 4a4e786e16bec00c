"""One planned run of a study: trained and tested, in this process or on a worker of a cluster."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from hamexplorer.errors import HamExplorerError
from hamexplorer.reference.dataset import ReferenceDataset, read_dataset, write_dataset
from hamexplorer.train import events
from hamexplorer.train.controls import Controls
from hamexplorer.train.grid import PlannedRun
from hamexplorer.train.rows import Row
from hamexplorer.train.run import train
from hamexplorer.train.settings import RunSettings


def trained_row(
    run: PlannedRun,
    datasets: Mapping[str, ReferenceDataset],
    folder: Path | None,
    controls: Controls,
    report: Callable[[events.Event], None],
) -> Row | None:
    """Train and test; None if it was stopped.

    Args:
        run: what is planned.
        datasets: by the names that the run uses.
        folder: where model and checkpoints are kept; a run that stands there goes on.
        controls: stop it from any thread.
        report: called with the events of the training.

    Raises:
        HamExplorerError: if it cannot be trained.
    """
    epochs = 0

    def heard(event: events.Event) -> None:
        nonlocal epochs
        if isinstance(event, events.Finished):
            epochs = event.epoch
        report(event)

    dataset = datasets[run.dataset]
    resume = folder if folder is not None and (folder / "run.json").exists() else None
    model = train(
        dataset, run.settings, controls=controls, report=heard, folder=folder, resume=resume, snapshots=False
    )
    if controls.stopped:
        return None
    errors, sentences = {own_test(run.dataset): model.evaluate(dataset, "test").errors("test")}, []
    for name in run.test_on:
        try:
            errors[name] = model.evaluate(datasets[name], "test").errors("test")
        except HamExplorerError as error:
            sentences.append(f"not tested on {name}: {error}")
    return Row(
        run,
        epochs=epochs,
        best_epoch=model.epoch,
        n_train=len(model.split_keys["train"]),
        errors=errors,
        sentence="; ".join(sentences),
    )


def attempt(run: PlannedRun, trained: Callable[[], Row | None]) -> Row | None:
    """The row, or one that says why there is none: one broken run must not cost the others."""
    try:
        return trained()
    except HamExplorerError as error:
        return Row(run, sentence=str(error))
    except MemoryError:
        return Row(run, sentence="the memory was full; choose fewer molecules or a smaller batch size")
    except Exception as error:
        return Row(run, sentence=f"something unexpected went wrong ({type(error).__name__}: {error})")


def encode_task(run: PlannedRun, datasets: Mapping[str, ReferenceDataset]) -> tuple[str | bytes, ...]:
    """The run as JSON, and the data sets that it needs as files: workers need not share a disk."""
    names = [run.dataset, *run.test_on]
    described = {
        "target_set": run.target_set,
        "settings": run.settings.to_dict(),
        "test_on": list(run.test_on),
        "datasets": names,
    }
    files = []
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            path = Path(folder) / "dataset.h5"
            write_dataset(path, datasets[name])
            files.append(path.read_bytes())
    return json.dumps(described), *files


def answer(line: str, *files: bytes) -> dict[str, Any]:
    """On a worker: the ``row`` of a finished run and the ``files`` of its folder, or a ``sentence`` why it failed."""
    task = json.loads(line)
    names = task["datasets"]
    run = PlannedRun(
        names[0], task["target_set"], RunSettings.from_record(task["settings"]), tuple(task["test_on"])
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        datasets = {}
        for each, content in zip(names, files, strict=True):
            path = folder / "dataset.h5"
            path.write_bytes(content)
            datasets[each] = read_dataset(path)
        began = time.monotonic()
        row = attempt(run, lambda: trained_row(run, datasets, folder / "run", Controls(), lambda event: None))
        assert row is not None  # nobody stops it here
        if row.failed:
            return {"sentence": row.sentence}
        row = replace(row, seconds=time.monotonic() - began)
        kept = {path.name: path.read_bytes() for path in (folder / "run").iterdir() if path.is_file()}
        return {"row": row.to_dict(), "files": kept}


def own_test(dataset: str) -> str:
    """What the test part of a run's own set is called in tables and figures."""
    return f"{dataset}, test part"
