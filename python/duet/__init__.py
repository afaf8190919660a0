# SPDX-License-Identifier: MIT
"""Duet in Python: generative models trained, judged and compared on any OpenCL device.

    import duet
    run = duet.train("vae", epochs=3, settings={"latent": 20}, progress=True)
    duet.grid(run.sample(64, seed=0)).save("samples.png")

docs/python.md is the guide. duet.c has every function of the C interface by its name.
"""

from . import functions
from .comparison import Comparison, compare
from .convert import Note, optimiser, prior_mixture, struct
from .data import Data, datasets
from .device import Device, devices
from .functions import *  # noqa: F401,F403: the ops, layers and losses
from .graph import Graph, Plan, Store, constant_values, fail, grad, permute, refuse, state_updates, update
from .library import Error, Record, c, constants, ffi, record
from .metric import Value, metric_names
from .model import (
    Family,
    Model,
    Trainer,
    check_settings,
    choice,
    count,
    families,
    number,
    settings,
    sizes,
    training_size,
)
from .node import Group, Node
from .pictures import Grid, grid, write_lines, write_points
from .run import Run, open
from .training import train

__version__ = c.version()
__all__ = [
    "Comparison",
    "Data",
    "Device",
    "Error",
    "Family",
    "Graph",
    "Grid",
    "Group",
    "Model",
    "Node",
    "Note",
    "Plan",
    "Record",
    "Run",
    "Store",
    "Trainer",
    "Value",
    "c",
    "check_settings",
    "choice",
    "compare",
    "constant_values",
    "constants",
    "count",
    "datasets",
    "devices",
    "fail",
    "families",
    "ffi",
    "grad",
    "grid",
    "metric_names",
    "number",
    "open",
    "optimiser",
    "permute",
    "prior_mixture",
    "record",
    "refuse",
    "settings",
    "sizes",
    "state_updates",
    "struct",
    "train",
    "training_size",
    "update",
    "write_lines",
    "write_points",
]
__all__ += functions.__all__
