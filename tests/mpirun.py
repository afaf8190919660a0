# SPDX-License-Identifier: MIT
"""For tests that start ranks of a program: the mpirun of the MPI that Duet was built with, its processes, and what a run came to."""
import contextlib
import json
import os
import pathlib
import shutil
import subprocess

ENVIRONMENT = {**os.environ, "POCL_MAX_PTHREAD_COUNT": "1", "DUET_TUNING": "off", "OMPI_ALLOW_RUN_AS_ROOT": "1",
               "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
CUT = ("seconds", "images_per_second")


def find_launcher(program, given=None):
    """The mpirun by which Duet finds its ranks, with its options; None: there is none."""
    for name in [given] if given else ["mpirun", "mpirun.openmpi", "mpirun.mpich"]:
        if shutil.which(name):
            version = subprocess.run([name, "--version"], capture_output=True, text=True, check=True).stdout
            words = [name, "--oversubscribe"] if "Open MPI" in version else [name]
            if subprocess.run([*words, "-n", "2", str(program), "train", "--help"], env=ENVIRONMENT, capture_output=True).returncode == 0:
                return words
    return None


def ranks_among(pids, program):
    """Those of the processes that are ranks of the program, by rank."""
    found = {}
    for pid in pids:
        with contextlib.suppress(OSError, ValueError):
            if pathlib.Path(os.readlink(f"/proc/{pid}/exe")) == program:
                words = dict(word.partition("=")[::2] for word in pathlib.Path(f"/proc/{pid}/environ").read_text().split("\0"))
                found[int(words.get("OMPI_COMM_WORLD_RANK", words.get("PMI_RANK")))] = pid
    return found


def ranks_below(launcher, program):
    """The ranks of the program that descend from the launcher, a process of this machine."""
    below, parents = {launcher.pid}, {}
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError):
            parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    while more := {pid for pid, parent in parents.items() if parent in below} - below:
        below |= more
    return ranks_among(below - {launcher.pid}, program)


def is_alive(pid):
    return pathlib.Path(f"/proc/{pid}/exe").exists()


def lines_of(run):
    """The reports of a run without what no two runs have alike."""
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [{key: value for key, value in line.items() if key not in CUT} for line in lines]
