# SPDX-License-Identifier: MIT
"""A run's metrics: with a judge beside it or without, those that cannot be computed told of and left out."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

from .convert import Note, text_array, texts, warn
from .data import split_number, told
from .interrupt import Stop
from .library import NULL, Error, Handle, c, ffi, in_python, lib, new_error, text, words
from .metric import Value, asks_features, metric_names, value_of
from .model import family_of, raise_for


def _names_of(metrics: Sequence[Any]) -> List[str]:
    """The metrics that were named, one by one or in lists."""
    return [one for given in metrics for one in ([given] if isinstance(given, str) else texts(given))]


@ffi.callback("void(void *, const char *, const duet_error *)")
def _left_out(context: Any, metric: Any, reason: Any) -> None:
    ffi.from_handle(context).append((words(metric), reason.status, ffi.string(reason.message)))


def evaluate(
    run: Any, metrics: Sequence[Any], judge: Any, split: str, seed: int, weigh: Callable[[Any], Optional[str]]
) -> Dict[str, Value]:
    """Metrics of a Run; judge: None, or a judge's directory and Family; weigh: what doubts it, as it was opened. Who
    calls holds the run's lock."""
    if judge is None:
        return _measure(run, [run.pointer], metrics, split, seed)
    with Handle(None) as beside:
        made, error = ffi.new("duet_run **"), new_error()
        directory, family = judge
        built = NULL if family is None else family_of(family)
        lib.duet_run_open_beside_with(made, text(directory), run.pointer, built, error)
        raise_for(error, family)
        beside._free, beside._pointer = "duet_run_close", made[0]
        doubt = c.run_doubt(made[0])
        if doubt is not None:
            warn(doubt)
        run._tell(aloud=False)
        try:
            _take_judge(run, beside, metrics)
            run._tell()
            values = _measure(run, [run.pointer, beside.pointer], metrics, split, seed)
            asked = not metrics or any(asks_features(name) for name in _names_of(metrics))
            if asked and lib.duet_run_judge(run.pointer) != NULL:
                said = weigh(beside)
                if said is not None:
                    warn(said)
            return values
        finally:  # whatever is raised: the judge is about to be closed
            c.run_set_judge(run, None)


def _take_judge(run: Any, judge: Any, metrics: Sequence[Any]) -> None:
    """Metrics that need a judge say themselves that it does not fit; told of are those that go on without."""
    try:
        c.run_set_judge(run, judge)
    except Error as error:
        if error.status != "data":
            raise
        asking = [name for name in _names_of(metrics) if asks_features(name)]
        if not metrics or any(lib.duet_metric_applies(run.pointer, text(name)) for name in asking):
            warn(f"the judge is left out: {in_python(run._by_own_name(error.message))}")


def doubt_of_judge(judge: Any) -> Optional[str]:
    """That a judge may be guessing, or that nobody knows, as where its own data are away, in words."""
    weight, error, said = ffi.new("duet_judge_weight *"), new_error(), ffi.new("char[]", 600)
    with Stop() as stop:
        lib.duet_run_set_stop(judge.pointer, stop.flag)
        try:
            lib.duet_judge_weigh(judge.pointer, weight, error)
        finally:
            lib.duet_run_set_stop(judge.pointer, NULL)
    if stop.asked and error.status == lib.DUET_ERROR_INTERRUPTED:
        raise KeyboardInterrupt
    with stop.honoured("the judge had been weighed"):
        if error.status != lib.DUET_OK:
            return unknown_judge(in_python(words(error.message) or ""))
        return in_python(words(said)) if lib.duet_judge_may_guess(weight, said, len(said)) else None


def unknown_judge(reason: str) -> str:
    return f"how good the judge is is not known: {reason}"


def _tell_of_share(run: Any, split: str) -> None:
    tells, said = ffi.new("bool *"), ffi.new("char[]", 600)
    if split == "test":
        c.run_tells_share(run, tells, said, len(said))
        if tells[0]:
            warn(run._by_own_name(words(said)), Note)


def _tell_of_speeds(run: Any, given: Sequence[str]) -> None:
    """What the reports of the training would have told of its cost."""
    said = ffi.new("char[]", 400)
    if lib.duet_run_doubts_reports(text(run.directory), said, len(said)):
        warn(f"{run.directory}: {words(said)} (step-ms and images-per-second go by it)")
    elif "step-ms" not in given:
        warn(
            f"step-ms and images-per-second are left out: {run.directory}/metrics.jsonl, the reports of the training, is "
            "not there or tells of none"
        )


def _measure(run: Any, runs: Sequence[Any], metrics: Sequence[str], split: str, seed: int) -> Dict[str, Value]:
    """Metrics by the runs: this one and, where there is one, its judge."""
    names = _names_of(metrics) or _usual_metrics(run, split)
    for name in names:
        if lib.duet_metric_find(text(name)) == NULL or len(names) == 1:
            c.metric_check(run, name, split_number(split))
    if len(runs) > 1 and metrics and not any(asks_features(name) for name in names):
        warn("judge= has no effect: none of these metrics asks one", Note)
    _tell_of_share(run, split)
    values, count = ffi.new("duet_metric_value[]", 64 * len(names) + 64), ffi.new("size_t *")
    _compute(run, runs, names, split, seed, values, count)
    run._tell()
    for i in range(count[0]):
        reason = words(lib.duet_metric_reason(run.pointer, values[i].name))
        if reason is not None:
            warn(f"{words(values[i].name)} has no value: {reason}", Note)
    given = {words(values[i].name) or "": value_of(values[i]) for i in range(count[0])}
    if "cost" in names and run.directory:
        _tell_of_speeds(run, list(given))
    return given


def _compute(
    run: Any, runs: Sequence[Any], names: List[str], split: str, seed: int, values: Any, count: Any
) -> None:
    """Metrics, whose requests to the runs, this one and a judge, end at a Ctrl-C."""
    error, array = new_error(), text_array(names)
    missing: List[Tuple[Optional[str], int, bytes]] = []
    handle = ffi.new_handle(missing)
    with Stop() as stop:
        for one in runs:
            lib.duet_run_set_stop(one, stop.flag)
        try:
            lib.duet_metric_compute_each(
                runs[0],
                array,
                len(names),
                split_number(split),
                seed,
                values,
                len(values),
                count,
                _left_out,
                handle,
                error,
            )
        finally:
            for one in runs:
                lib.duet_run_set_stop(one, NULL)
    if stop.asked and error.status == lib.DUET_ERROR_INTERRUPTED:
        raise KeyboardInterrupt
    with stop.honoured("the metrics had been computed"), told(run._holder):
        raise_for(error, run.family)
        if missing and count[0] == 0:
            error.status, error.message = missing[0][1:]
            raise_for(error, run.family)
    for name, _, reason in missing:
        warn(f"{name} is left out: {in_python(run._by_own_name(reason.decode(errors='replace')))}")


def _usual_metrics(run: Any, split: str) -> List[str]:
    """All that the model has and that do not take long; those that its data are too few for are warned of."""
    found = []
    for name in metric_names():
        error = new_error()
        if lib.duet_metric_check(run.pointer, text(name), split_number(split), error) == lib.DUET_OK:
            found.append(name)
        elif error.status == lib.DUET_ERROR_DATA:
            warn(f"{name} is left out: {in_python(run._by_own_name(words(error.message)))}")
    if not found:
        data = words(lib.duet_data_describe(lib.duet_run_data(run.pointer)).name)
        raise Error("usage", f"no metric can be computed of the {split} split of {run._stands_for or data}")
    return found
