#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Ranks over MPI, as mpirun starts them: over Open MPI and over MPICH, whichever are installed.

usage: test_mpi.py SOURCE_ROOT BUILD_ROOT SANITIZERS. libduet-mpi is built here for each MPI by its own mpicc, since a build
folder has one, with the sanitizers that the folder was built with ("none": with none).
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import cases

source, build = (pathlib.Path(word) for word in sys.argv[1:3])
SANITIZERS = [] if sys.argv[3] == "none" else [f"-fsanitize={sys.argv[3]}"]
FLAGS = ["-std=c11", "-D_POSIX_C_SOURCE=200809L", "-g", "-O1", "-Wall", "-Wextra", "-Werror", f"-I{source / 'include'}", f"-I{source / 'src'}", *SANITIZERS]
# Calls of MPI that rank 1 makes, by number: the first, and one when others are under way.
FAULTS = ["Finalized 1", "Initialized 1", "Init_thread 1", "Query_thread 1", "Comm_set_errhandler 1", "Comm_set_errhandler 2", "Comm_dup 1",
          "Comm_rank 1", "Comm_size 1", "Get_processor_name 1", "Get_library_version 1", "Isend 1", "Isend 5", "Irecv 1", "Irecv 5",
          "Testsome 1", "Testsome 12", "Get_count 1", "Get_count 4"]


def find_mpis():
    """{name: (mpicc, mpirun)}: Debian has both side by side, others one."""
    found = {}
    for ending in (".openmpi", ".mpich", ""):
        compiler, launcher = shutil.which("mpicc" + ending), shutil.which("mpirun" + ending)
        if compiler is None or launcher is None:
            continue
        said = subprocess.run([launcher, "--version"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout
        found.setdefault("MPICH" if "HYDRA" in said.upper() else "Open MPI", (compiler, launcher))
    return found


MPIS = find_mpis()


class World:
    """libduet-mpi of one MPI, with what is run on it."""

    def __init__(self, name, folder):
        self.name, self.folder = name, folder
        self.compiler, self.launcher = MPIS[name]
        self.make("libduet-mpi.so.0", "-fPIC", "-shared", "-fvisibility=hidden", *sorted((source / "src/mpi").glob("*.c")))
        self.make("pieces/libduet-mpi.so.0", "-fPIC", "-shared", "-fvisibility=hidden", "-DDUET_MPI_PIECE=1000", *sorted((source / "src/mpi").glob("*.c")))
        self.make("fault.so", "-fPIC", "-shared", source / "tests/preload_mpi.c")
        self.make("ranks", source / "tests/mpi_ranks.c", folder / "libduet-mpi.so.0", f"-L{build}", "-lduet")

    def make(self, name, *words):
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([self.compiler, *FLAGS, *words, "-o", self.folder / name], check=True)

    def environment(self, **more):
        if SANITIZERS:  # whose leak it is only the whole stack says, and a fault is preloaded ahead of the sanitizer
            options = [os.environ.get("ASAN_OPTIONS", ""), "fast_unwind_on_malloc=0", "verify_asan_link_order=0"]
            more["ASAN_OPTIONS"] = ":".join(filter(None, options))
        return dict(os.environ, LD_LIBRARY_PATH=f"{self.folder}:{build}", OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
                    DUET_DEVICE="cpu", **more)

    def run(self, count, *words, **more):
        """(exit status, output) of so many processes; they get a minute, or as many as the machine is slow, then it is a failure."""
        over = ["--oversubscribe"] if self.name == "Open MPI" else []
        end = subprocess.run([self.launcher, *over, "-n", str(count), *map(str, words)], env=self.environment(**more),
                             timeout=60 * float(os.environ.get("DUET_TEST_SLOWNESS", "1")), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        return end.returncode, end.stdout


class Mpi(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not MPIS:
            raise unittest.SkipTest("no MPI is installed")
        folder = pathlib.Path(tempfile.mkdtemp(prefix="duet-mpi-"))
        cls.addClassCleanup(shutil.rmtree, folder, True)
        cls.worlds = []
        for i, name in enumerate(MPIS):
            (folder / str(i)).mkdir()
            cls.worlds.append(World(name, folder / str(i)))

    def test_ranks_get_what_they_should(self):
        for world in self.worlds:
            for count in (1, 2, 3, 4):
                status, said = world.run(count, world.folder / "ranks", "exchange")
                self.assertEqual(status, 0, said)
                self.assertIn(f"ok {count} {world.name}", said)

    def test_long_messages_go_in_pieces(self):
        for world in self.worlds:
            pieces = f"{world.folder / 'pieces'}:{world.folder}:{build}"
            status, said = world.run(3, "env", f"LD_LIBRARY_PATH={pieces}", world.folder / "ranks", "exchange")
            self.assertEqual(status, 0, said)
            self.assertIn("ok 3", said)

    def test_ways_are_measured(self):
        for world in self.worlds:
            status, said = world.run(2, world.folder / "ranks", "measure")
            self.assertEqual(status, 0, said)
            self.assertRegex(said, r"[\d.e+-]+ us, [\d.e+-]+ GB/s")

    def test_one_that_does_not_answer_is_named(self):
        for world in self.worlds:
            for count in (2, 4):
                status, said = world.run(count, world.folder / "ranks", "wait")  # rank 1 sleeps for ever
                self.assertNotEqual(status, 0)
                self.assertRegex(said, r"device: rank 1 on \S+ has not answered for 0.3 s in step 1234")

    def test_messages_of_another_length_are_a_failure(self):
        for world in self.worlds:
            status, said = world.run(2, world.folder / "ranks", "differ")
            self.assertNotEqual(status, 0)
            self.assertRegex(said, "rank 1 sent 12 bytes where 16 were expected|a message from rank 0 failed")

    def test_every_function_of_mpi_may_fail(self):
        for world in self.worlds:
            for fault in FAULTS:
                status, said = world.run(2, "env", f"LD_PRELOAD={world.folder / 'fault.so'}", world.folder / "ranks", "exchange",
                                         DUET_TEST_MPI_FAULT=f"MPI_{fault}")
                self.assertNotEqual(status, 0, (fault, said))
                self.assertIn(f"device: MPI_{fault.split()[0]} failed: ", said)
            for fault in ("Comm_free 1", "Finalize 1"):  # when all is done there is nothing left to fail
                status, said = world.run(2, "env", f"LD_PRELOAD={world.folder / 'fault.so'}", world.folder / "ranks", "exchange",
                                         DUET_TEST_MPI_FAULT=f"MPI_{fault}")
                self.assertIn("ok 2", said)

    def test_a_dead_rank_ends_all(self):
        for world in self.worlds:
            status, said = world.run(3, world.folder / "ranks", "die")
            self.assertNotEqual(status, 0, said)
            self.assertNotIn("has not answered", said)  # they end at once, not when their patience does

    # The program itself. What trainings come to is tried by test_mpi_runs.py.

    def duet(self, world, words, *more, before=()):
        return world.run(2, *before, build / "duet", *words.split(), *more)

    def train(self, world, name, before=()):
        return self.duet(world, "train vae --data ring8 --set hidden=8 --batch 16 --steps 20 --out", world.folder / name, before=before)

    def test_the_program_trains(self):
        for world in self.worlds:
            status, said = self.train(world, "run")
            self.assertEqual(status, 0, said)
            self.assertRegex(said, rf"(?m)^2 ranks on \S+ \(2\) over {world.name} \S+: a sum takes [\d.e+-]+ us, large ones [\d.e+-]+ GB/s$")
            self.assertTrue((world.folder / "run/checkpoint.safetensors").exists())

    def test_an_mpi_that_does_not_end_is_left(self):
        for world in self.worlds:
            status, said = self.train(world, "left", before=("env", f"LD_PRELOAD={world.folder / 'fault.so'}", "DUET_TEST_MPI_HANG=MPI_Finalize"))
            self.assertEqual(said.count("warning: MPI has not ended in half a minute"), 1, said)
            self.assertTrue((world.folder / "left/checkpoint.safetensors").exists())

    def test_what_one_process_does_is_refused(self):
        for world in self.worlds:
            status, said = self.duet(world, "models")
            self.assertEqual(status, 2, said)
            self.assertIn(f"'duet models' is the work of one process, and {world.name}'s mpirun started 2", said)
            self.assertNotIn("infogan", said)
            status, said = self.duet(world, "models", before=("env", "DUET_RANKS=off"))
            self.assertEqual((status, said.count("infogan")), (0, 2))
            status, said = self.duet(world, "devices --json")
            self.assertEqual((status, said.count('"devices"')), (0, 2))

    def test_a_library_that_cannot_be_loaded_is_told_of(self):
        """As where Duet was built without MPI; an empty file is found ahead of the one that was built."""
        for world in self.worlds:
            (world.folder / "empty").mkdir()
            (world.folder / "empty/libduet-mpi.so.0").touch()
            status, said = self.train(world, "unmade", before=("env", f"LD_LIBRARY_PATH={world.folder / 'empty'}:{build}"))
            self.assertEqual(status, 1, said)
            self.assertIn("started 2 processes, and to work together they need libduet-mpi.so.0", said)
            self.assertFalse((world.folder / "unmade").exists())

    def test_another_mpis_mpirun_is_told_of(self):
        if len(self.worlds) < 2:
            self.skipTest("one MPI alone is installed")
        for world, other in (self.worlds, self.worlds[::-1]):
            status, said = self.train(world, "unmade", before=("env", f"LD_LIBRARY_PATH={other.folder}:{build}"))
            self.assertEqual(status, 1, said)
            self.assertIn(f"{world.name}'s mpirun started 2 processes, but libduet-mpi.so.0 was built with {other.name}", said)
            self.assertFalse((world.folder / "unmade").exists())

    def test_an_srun_that_starts_in_another_way_is_told_of(self):
        for world in self.worlds:
            end = subprocess.run([build / "duet", "train", "vae", "--data", "ring8", "--out", world.folder / "unmade"],
                                 env=world.environment(SLURM_STEP_NUM_TASKS="2", SLURM_PROCID="0"), stdin=subprocess.DEVNULL, capture_output=True,
                                 text=True, timeout=300)
            self.assertEqual(end.returncode, 1, end.stderr)
            self.assertRegex(end.stderr, rf"srun started 2 processes, but libduet-mpi.so.0 was built with {world.name} .* --mpi=pmi2 where it is MPICH")
            self.assertFalse((world.folder / "unmade").exists())

    def test_a_rank_that_finds_itself_alone_says_so(self):
        """As srun starts each without MPI, and as what a rank of another program starts has that one's environment."""
        said_by = [{"OMPI_COMM_WORLD_SIZE": "2", "OMPI_COMM_WORLD_RANK": "1"}, {"PMI_SIZE": "2", "PMI_RANK": "1"},
                   {"SLURM_STEP_NUM_TASKS": "2", "SLURM_PROCID": "1"}]
        world = self.worlds[0]
        (world.folder / "none").mkdir()
        (world.folder / "none/libduet-mpi.so.0").touch()
        train = ["train", "vae", "--data", "ring8", "--set", "hidden=8", "--batch", "16", "--steps", "2", "--out", world.folder / "alone"]
        for words, library, status, said in (
            (train, world.folder, 1, "which sees 1: start them with"),
            (train, world.folder / "none", 1, "to work together they need libduet-mpi.so.0"),
            (["eval", world.folder / "alone", "--json"], world.folder, 1, "which sees 1: start them with"),
            (["models"], world.folder, 2, "'duet models' is the work of one process"),
        ):
            for told in said_by if words is train else said_by[-1:]:
                environment = {**world.environment(**told), "LD_LIBRARY_PATH": f"{library}:{build}"}
                end = subprocess.run([build / "duet", *words], env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
                self.assertEqual(end.returncode, status, (told, end.stderr))
                self.assertIn(said, end.stderr)
                self.assertIn("with DUET_RANKS=off in the environment each works for itself", end.stderr)
                self.assertFalse((world.folder / "alone").exists())
        end = subprocess.run([build / "duet", *train], env=world.environment(**said_by[0], DUET_RANKS="off"), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
        self.assertEqual(end.returncode, 0, end.stderr)
        self.assertTrue((world.folder / "alone/checkpoint.safetensors").exists())


if __name__ == "__main__":
    sys.argv[1:] = []
    cases.main()
