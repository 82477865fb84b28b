"""Which method of fakes a training leaves out, and the samples without it."""

import re

import pandas as pd

from fakefocus.datasets.stored_video import fingerprint
from fakefocus.errors import InputError, did_you_mean
from fakefocus.parameters import LeaveOneOut, Training
from fakefocus.schemas import is_safe_id


def methods_to_leave_out(samples: pd.DataFrame, options: LeaveOneOut, recipe: Training) -> list[str]:
    """Return the methods that are left out, one at a time: those that have most training videos first.

    Raises:
        InputError: If the recipe reads no fakes, there are not two methods, or a named one is not trained on.
    """
    if recipe.fakes == "self_blended":
        msg = "leave_one_out: training.fakes self_blended reads no fakes, so none can be left out"
        raise InputError(msg)
    fakes = samples[(samples["split"] == "train") & (samples["method"] != "")]
    methods = fakes.groupby("method")["video_id"].nunique().sort_index().sort_values(ascending=False, kind="stable")
    if len(methods) < 2:
        there = ", ".join(map(str, methods.index)) or "none"
        msg = f"leave_one_out: two methods of fakes must be trained on, so that one is left, got {there}"
        raise InputError(msg)
    if options.methods is None:
        return [str(method) for method in methods.index[: options.most]]
    unknown = [name for name in options.methods if name not in methods.index]
    if unknown:
        near = did_you_mean(unknown[0], map(str, methods.index))
        msg = f"leave_one_out.methods: {unknown[0]} is not trained on{near}; methods are {', '.join(methods.index)}"
        raise InputError(msg)
    return list(options.methods)


def without_method(samples: pd.DataFrame, method: str) -> pd.DataFrame:
    """Return samples without the videos of a method on the sides train and val; the side test keeps them."""
    of_method = samples["video_id"].isin(samples.loc[samples["method"] == method, "video_id"])
    return samples[~of_method | (samples["split"] == "test")].reset_index(drop=True)


def folder_of(method: str) -> str:
    """Return a name of a folder for a method, whatever it is called: its own where that can name one."""
    if is_safe_id(method):
        return method
    return f"{re.sub(r'[^A-Za-z0-9]+', '_', method).strip('_')}_{fingerprint(method)[:8]}"
