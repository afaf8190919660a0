# SPDX-License-Identifier: MIT
"""duet.train: a whole training into a run directory, with a bar, callbacks at epochs' ends, and Ctrl-C."""

from __future__ import annotations

import contextlib
import json
import math
import os
from typing import Any, Callable, Dict, List, Optional, Sequence, Union

from .convert import callable_or_none, key_values, tell, text_array, texts, truth, warn, whole
from .data import Data, data_of, told
from .device import Device
from .interrupt import Stop
from .library import NULL, Error, check, ffi, held, in_python, lib, new_error, opening, path_of, refuse_forked, selector, text, text_or_null, words
from .model import family_of, raise_for
from .progress import Bar
from .run import Run, directory_of, doubt_of_arrays, has_arrays, judge_of

# Names in a line of metrics.jsonl that are the report's own.
REPORTED = ("step", "epoch", "split", "seconds", "images_per_second", "health", "features")

OnEpoch = Callable[[Run, int], Any]


class _Training:
    """What C hands to the callbacks: where they show progress, and what they call."""

    def __init__(
        self, bar: Bar, stop: Stop, log: Any, on_epoch: Optional[OnEpoch], monitor: Any, family: Any, holder: Any
    ):
        self.bar, self.stop, self.log, self.on_epoch, self.monitor, self.family, self.holder = (
            bar,
            stop,
            log,
            on_epoch,
            monitor,
            family,
            holder,
        )
        self.raised: Optional[BaseException] = None

    def guard(self, function: Callable[[], Any]) -> Any:
        """Calls it; what it raises stops the training at the next step's end and is raised by train()."""
        try:
            return function()
        except BaseException as reason:
            self.raised = self.raised or reason
            self.stop.set()
            return None


@ffi.callback("void(void *, const duet_progress *)")
def _show(context: Any, progress: Any) -> None:
    training = ffi.from_handle(context)
    terms = (
        ", ".join(
            f"{words(progress.names[i])} {progress.means[i]:.4g}"
            for i in range(progress.terms)
            if not math.isnan(progress.means[i])  # no step computed it
        )
        if progress.report
        else ""
    )
    training.guard(lambda: training.bar.show(progress.step, progress.steps, terms))


@ffi.callback("duet_log_function")
def _log(context: Any, line: Any) -> None:
    training = ffi.from_handle(context)
    said = words(line)
    training.guard(lambda: tell(said) if training.log is None else training.log(in_python(said)))


@ffi.callback("duet_status(void *, duet_run *, duet_error *)", error=1)
def _at_start(context: Any, run: Any, error: Any) -> int:
    training = ffi.from_handle(context)
    return lib.duet_monitor_check(training.monitor, run, error) if training.monitor is not None else lib.DUET_OK


@ffi.callback("duet_status(void *, duet_run *, uint64_t, duet_verdict *, duet_error *)", error=1)
def _at_epoch(context: Any, run: Any, epoch: int, verdict: Any, error: Any) -> int:
    training = ffi.from_handle(context)
    if training.monitor is not None:
        status = lib.duet_monitor_look(training.monitor, run, epoch, verdict, error)
        if status != lib.DUET_OK:
            return status
    if training.on_epoch is not None:
        now = _borrowed(run, training)
        said = training.guard(lambda: training.on_epoch(now, epoch))
        now.close()  # which waits for threads that on_epoch left at work on it
        training.guard(lambda: _say(said, verdict))
    return lib.DUET_OK


def _borrowed(pointer: Any, training: _Training) -> Run:
    """The run as it is now, for use within a callback alone."""
    run = Run("", family=training.family)
    run._free, run._pointer, run._holder = "", pointer, training.holder
    run._tell(aloud=False)  # the training has told of its data
    return run


def _say(said: Any, verdict: Any) -> None:
    """What on_epoch returned, as the verdict of somebody who watches: a text stops, numbers by name are kept."""
    if isinstance(said, str):
        verdict.stop = said.encode()[: len(verdict.stop) - 1]
    elif isinstance(said, dict):
        for name, value in said.items():
            if verdict.count == len(verdict.names):
                raise ValueError(f"more than {len(verdict.names)} values of an epoch")
            if name in REPORTED or name in [words(verdict.names[i]) for i in range(verdict.count)]:
                raise ValueError(f"on_epoch returned a value named {name!r}, which the epoch's report has already")
            try:
                verdict.names[verdict.count], verdict.values[verdict.count] = text(name), float(value)
            except (TypeError, ValueError):
                raise TypeError(f"on_epoch returned {name!r}: {value!r}; a name and a number are expected") from None
            verdict.count += 1
    elif said is not None:
        raise TypeError(
            f"on_epoch returned {type(said).__name__}; it returns None, a text (why to stop) or a dict of "
            "numbers to keep in metrics.jsonl"
        )


def train(
    model: Any = None,
    data: Any = None,
    *,
    epochs: Optional[int] = None,
    steps: Optional[int] = None,
    batch: int = 0,
    seed: Optional[int] = None,
    settings: Any = None,
    out: Optional[str] = None,
    resume: Any = None,
    other_data: bool = False,
    other_model: bool = False,
    device: Union[None, int, str] = None,
    gemm: Optional[str] = None,
    stream: bool = False,
    checkpoint_every: int = 0,
    progress: bool = False,
    on_epoch: Optional[OnEpoch] = None,
    log: Optional[Callable[[str], Any]] = None,
    metrics: Sequence[str] = (),
    keep_best: Optional[str] = None,
    patience: int = 0,
    judge: Any = None,
    stop_on_collapse: bool = False,
) -> Run:
    """Trains into a run directory and returns the run.

    model: the name of a built-in family (duet.families()) or a Family; None with `resume`
    data: a name or a path (docs/data.md; None: fashion-mnist), an array [examples, ...shape], a pair of arrays (the
        second is the test split), or a Data
    epochs, steps: one of them, a total also when resuming; neither: what the family says
    seed: what all random numbers follow from; None: 0, or that of the run that goes on
    settings: {"latent": 20, "hidden": [400, 200]}: what `duet train --set` takes (duet.settings(model))
    out: the run directory; None: runs/MODEL-DATA-N. resume: a run, or its directory, to go on with
    other_data, other_model: go on with data, or a Family, that are not those the run began with, which run.json records
    progress: show a bar (tqdm where it is installed)
    on_epoch: on_epoch(run, epoch) at each epoch's end, with the run as it is now; it may return a text, which stops the
        training, or a dict of numbers, which metrics.jsonl keeps
    log: receives lines about long waits, warnings and notes; without it warnings are Python's (warnings.warn), and so
        are notes, such as of a setting without effect (duet.Note)
    metrics, keep_best, patience, judge: measured at each epoch's end, as `duet train` has them; of a run that goes on
        those that are not said are as before, and "none" (metrics, keep_best) ends them

    Ctrl-C stops at the next step's end with a checkpoint and raises KeyboardInterrupt, whose text names the run; so it
    does while the last step's files are written, which are then whole. An exception of a callback stops it likewise.
    Raises Error.
    """
    for what, count in (("epochs", epochs), ("steps", steps)):
        if count is not None and whole(what, count, -(2**63)) < 1:
            raise ValueError(f"{what}={count}; it is at least 1, or None for what the family says")
    other_data, other_model, stream, stop_on_collapse, progress = (
        truth(what, value)
        for what, value in (
            ("other_data", other_data),
            ("other_model", other_model),
            ("stream", stream),
            ("stop_on_collapse", stop_on_collapse),
            ("progress", progress),
        )
    )
    callable_or_none("on_epoch", on_epoch)
    callable_or_none("log", log)
    if other_data and resume is None:
        raise ValueError("other_data is for resume: a new run has no other data yet")
    if other_model and resume is None:
        raise ValueError("other_model is for resume: a new run has no other model yet")
    if isinstance(device, Device):
        raise Error(
            "usage",
            "a whole training opens its device by a selector, as Device takes one; duet.Trainer trains on an open Device",
        )
    batch, chosen, checkpoint_every, patience = (
        whole(what, count)
        for what, count in (
            ("batch", batch),
            ("seed", seed or 0),
            ("checkpoint_every", checkpoint_every),
            ("patience", patience),
        )
    )
    if resume is not None and seed is not None:
        _check_seed(chosen, directory_of(resume))
    metrics = [metrics] if isinstance(metrics, str) else texts(metrics)
    options, error = ffi.new("duet_train_options *"), new_error()
    name, own = data_of(data)
    holder = (own or Data)._holder
    said = key_values(settings)
    kept: List[Any] = [text_array(said)]
    options.family = NULL if model is None else family_of(model)
    options.data, options.own_data = text_or_null(name), NULL if own is None else own.pointer
    options.other_data, options.other_model = other_data, other_model
    options.device, options.gemm = selector(device), text_or_null(gemm)
    options.settings, options.setting_count = kept[0], len(said)
    options.epochs, options.steps, options.batch, options.seed = epochs or 0, steps or 0, batch, chosen
    options.checkpoint_every, options.stream, options.stop_on_collapse = checkpoint_every, stream, stop_on_collapse
    options.out, options.resume = text_or_null(out), text_or_null(directory_of(resume))
    judged_by, judge_family = judge_of(judge)
    options.judge = text_or_null(judged_by)
    refuse_forked()
    for note in own._notes if own is not None and resume is None else ():
        warn(note) if log is None else log(f"warning: {note}")
    watched = metrics or keep_best or patience or stop_on_collapse or judge is not None
    monitor = (
        _monitor(
            dict(
                metrics=metrics,
                best=keep_best,
                patience=patience,
                judge=options.judge,
                judge_family=None if judge_family is None else family_of(judge_family),
                judge_is_weighed=has_arrays(judge),
                stop_on_collapse=stop_on_collapse,
                resume=options.resume,
            ),
            kept,
        )
        if watched or resume is not None  # which may have been watched
        else None
    )
    said_path = os.fsdecode(out or directory_of(resume) or "")
    here = "" if os.path.isabs(said_path) else os.getcwd()  # on_epoch may go to another folder
    summary = ffi.new("duet_train_summary *")
    try:
        doubt = doubt_of_arrays(judge)
        if doubt is not None:
            warn(doubt) if log is None else log(f"warning: {doubt}")
        alone = contextlib.nullcontext() if own is None else own._trained_on()
        with alone, held(own), Stop() as stop, Bar(progress, "steps") as bar:
            training = _Training(bar, stop, log, on_epoch, monitor and monitor[0], model, holder)
            handle = ffi.new_handle(training)
            options.progress, options.log, options.context, options.stop = _show, _log, handle, stop.flag
            if monitor is not None or on_epoch is not None:
                options.at_start, options.at_epoch, options.watcher = _at_start, _at_epoch, handle
            if monitor is not None:
                options.watch = lib.duet_monitor_watch(monitor[0])
            opening()
            lib.duet_train(options, summary, NULL, error)
    finally:
        if monitor is not None:
            lib.duet_monitor_free(monitor)
    directory = os.path.join(here, path_of(summary.run)) if path_of(summary.run) else ""
    if stop.asked and error.status == lib.DUET_ERROR_INTERRUPTED:
        raise KeyboardInterrupt(f"stopped at step {summary.steps}; duet.train(resume={directory!r}, ...) goes on")
    with stop.honoured(f"the training had ended at step {summary.steps}; duet.open({directory!r}) has it"):
        if training.raised is not None:
            raise training.raised
        with told(holder):
            raise_for(error, model)
    run = Run(directory, device=device, data=None if own is None or own._ended else own, family=model if _is_own(model) else None)
    run.stopped = words(summary.stopped) or ""
    return run


def _check_seed(seed: int, directory: Any) -> None:
    """To the library a seed of 0 is none, and here it was asked for. What cannot be read the library refuses."""
    try:
        with open(os.path.join(os.fspath(directory), "run.json"), encoding="utf-8") as file:
            own = json.load(file)["seed"]
    except (OSError, ValueError, KeyError, TypeError):
        return
    if seed != own:
        raise Error("usage", f"seed: the run goes on with {own}, not {seed}: leave it out, or train anew")


def _is_own(model: Any) -> bool:
    return model is not None and not isinstance(model, str)


def _monitor(fields: Dict[str, Any], kept: List[Any]) -> Any:
    options, made, error = ffi.new("duet_monitor_options *"), ffi.new("duet_monitor **"), new_error()
    metrics = list(fields.pop("metrics"))
    kept += [text_array(metrics), options]
    options.metrics, options.metric_count = kept[-2], len(metrics)
    for name, value in fields.items():
        setattr(options, name, text(value) if isinstance(value, str) else NULL if value is None else value)
    lib.duet_monitor_new(made, options, error)
    check(error)
    return made
