#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Completion in real shells: bash, zsh and fish on a terminal, each given keys and asked what its command line became.

usage: test_completion.py PROGRAM DUET.BASH DUET.ZSH DUET.FISH

A line is typed, Tab is pressed, and then words are put in front of it that have the shell print what the line says, a
word in angle brackets. Shells that are not installed are skipped. What the program offers is held against its help.
"""
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import cases

program, bash_script, zsh_script, fish_script = (pathlib.Path(word).resolve() for word in sys.argv[1:5])
LOADER = pathlib.Path("/usr/share/bash-completion/bash_completion")

# What is typed ahead of Tab, and the words that the line then has.
LINES = [
    ("duet trai", ["duet", "train"]),
    ("duet train vae-c", ["duet", "train", "vae-conv"]),
    ("duet train vae --data grid", ["duet", "train", "vae", "--data", "grid25"]),
    ("duet train vae --data=grid", ["duet", "train", "vae", "--data=grid25"]),
    ("duet train vae --ba", ["duet", "train", "vae", "--batch"]),
    ("duet train vae --set latent", ["duet", "train", "vae", "--set", "latent="]),
    ("duet train vae --set kl=m", ["duet", "train", "vae", "--set", "kl=monte-carlo"]),
    ("duet eval runs/r --metric sh", ["duet", "eval", "runs/r", "--metric", "sharpness"]),
    ("duet sample runs/fir", ["duet", "sample", "runs/first"]),
    ("duet eval 'runs/first' --judge runs/sec", ["duet", "eval", "runs/first", "--judge", "runs/second"]),
    ("duet doctor --device cp", ["duet", "doctor", "--device", "cpu"]),
    ("duet explain vae --for rx79", ["duet", "explain", "vae", "--for", "rx7900"]),
    ("duet help envi", ["duet", "help", "environment"]),
    ("duet data pictures/tab", ["duet", "data", "pictures/table.csv"]),
    ("duet train vae --labels lab", ["duet", "train", "vae", "--labels", "labels here.npy"]),
    ("duet train vae --out pict", ["duet", "train", "vae", "--out", "pictures/"]),
]


class Terminal:
    """A shell on a terminal of its own."""

    def __init__(self, folder, words, environment):
        self.child, self.keyboard = pty.fork()
        if self.child == 0:
            os.chdir(folder)
            os.execvpe(words[0], words, environment)

    def type(self, keys):
        os.write(self.keyboard, keys.encode())

    def wait_for(self, pattern, seconds=30):
        """Reads until the pattern shows; fails with what did."""
        shown, end = "", time.monotonic() + seconds
        while not re.search(pattern, shown):
            ready, _, _ = select.select([self.keyboard], [], [], max(0, end - time.monotonic()))
            if not ready:
                raise AssertionError(f"{pattern!r} did not show within {seconds} s:\n{shown}")
            piece = os.read(self.keyboard, 65536).decode(errors="replace")
            if "\033[c" in piece or "\033[0c" in piece:  # fish asks what terminal it is on
                self.type("\033[?62;c")
            shown += piece
        return re.search(pattern, shown)

    def settle(self):
        """Waits until nothing more is shown: the shell has drawn its line."""
        while select.select([self.keyboard], [], [], 0.7)[0]:
            os.read(self.keyboard, 65536)

    def close(self):
        os.kill(self.child, signal.SIGKILL)
        os.waitpid(self.child, 0)
        os.close(self.keyboard)


class Shells(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="duet-completion-"))
        for name in ("runs/first", "runs/second", "pictures", "bin"):
            (cls.folder / name).mkdir(parents=True)
        for name in ("first", "second"):
            (cls.folder / "runs" / name / "run.json").write_text('{"model": "vae", "data": {"name": "ring8"}}')
        for name in ("pictures/table.csv", "labels here.npy"):
            (cls.folder / name).write_text("")
        (cls.folder / "bin/duet").symlink_to(program)
        (cls.folder / "_duet").symlink_to(zsh_script)
        # A short prompt and no files of the person's; a terminal that asks for little.
        (cls.folder / "bashrc").write_text(f"source {LOADER}\nsource {bash_script}\nPS1='ready> '\nbind 'set bell-style none'\n"
                                           "bind 'set enable-bracketed-paste off'\n")
        (cls.folder / ".zshrc").write_text(f"fpath=({cls.folder} $fpath)\nautoload -Uz compinit && compinit -u -D\n"
                                           "bindkey -e\nPS1='ready> '\nunsetopt beep zle_bracketed_paste\nsetopt no_prompt_sp\n")
        cls.environment = {"PATH": f"{cls.folder}/bin:/usr/bin:/bin", "HOME": str(cls.folder), "TERM": "dumb", "LC_ALL": "C.UTF-8",
                           "ZDOTDIR": str(cls.folder), "XDG_CONFIG_HOME": str(cls.folder / "config")}
        for name in ("OCL_ICD_VENDORS", "LD_LIBRARY_PATH", "ASAN_OPTIONS", "POCL_CACHE_DIR", "XDG_CACHE_HOME"):
            if name in os.environ:
                cls.environment[name] = os.environ[name]

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder, ignore_errors=True)

    def complete_on_terminal(self, words):
        if shutil.which(words[0]) is None:
            self.skipTest(f"{words[0]} is not installed")
        shell = Terminal(self.folder, words, self.environment)
        try:
            shell.wait_for("ready> ")
            for typed, expected in LINES:
                with self.subTest(typed):
                    shell.type(typed + "\t")
                    shell.settle()
                    shell.type("\001printf '<%s>' \005; echo ' end'\n")
                    shown = shell.wait_for(r"\n\r?((?:<[^>\n]*>)+) end\r?\n[^\n]*ready> ")
                    words = re.findall("<([^>]*)>", shown[1])
                    if words[-1] + "/" == expected[-1]:  # zsh takes the slash away when something else is typed
                        words[-1] += "/"
                    self.assertEqual(words, expected)
        finally:
            shell.close()

    def test_bash(self):
        if not LOADER.exists():
            self.skipTest("bash-completion is not installed")
        self.complete_on_terminal(["bash", "--noprofile", "--rcfile", str(self.folder / "bashrc"), "-i"])

    def test_zsh(self):
        self.complete_on_terminal(["zsh", "-i"])

    def test_fish(self):
        """fish draws too much to be read on a terminal, and answers the question itself."""
        if shutil.which("fish") is None:
            self.skipTest("fish is not installed")
        for typed, expected in LINES:
            with self.subTest(typed):
                command = f"source {fish_script}; complete -C (string escape -- $argv[1] | string unescape)"
                shown = subprocess.run(["fish", "-c", command, typed], cwd=self.folder, env=self.environment,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=True)
                offered = [line.split("\t")[0].replace("\\ ", " ") for line in shown.stdout.splitlines()]
                self.assertEqual(shown.stderr, "")
                self.assertIn(expected[-1], offered)

    def ask(self, *words):
        shown = subprocess.run([program, "complete", *words], cwd=self.folder, stdout=subprocess.PIPE, check=True, text=True)
        return [line.split("\t")[0] for line in shown.stdout.splitlines()]

    def test_every_option_is_offered(self):
        for command in self.ask(""):
            if command == "help":
                continue
            text = subprocess.run([program, command, "--help"], stdout=subprocess.PIPE, check=True, text=True).stdout
            named = re.findall(r"^  (?:-\w,|   ) (--[\w-]+)", text, re.M)
            self.assertEqual([word for word in self.ask(command, "-") if word.startswith("--")], named)

    def test_every_value_is_offered(self):
        """All but numbers, sizes and the beginning of a kernel's name."""
        for command in self.ask(""):
            if command == "help":
                continue
            text = subprocess.run([program, command, "--help"], stdout=subprocess.PIPE, check=True, text=True).stdout
            for option, takes in re.findall(r"^  (?:-\w,|   ) --([\w-]+) (\S+)  ", text, re.M):
                if takes in ("N", "I", "HxW") or option == "kernel":
                    continue
                subject = ["vae"] if command in ("train", "explain", "tune") else ["--workload", "mlpvae"] * (command == "bench")
                self.assertTrue(self.ask(command, *subject, f"--{option}", ""), f"{command} --{option} {takes}")

    def test_offered_divisions_are_taken(self):
        for word in self.ask("data", "x", "--split", ""):
            end = subprocess.run([program, "data", "/nowhere/x.npy", "--split", word], stderr=subprocess.PIPE, text=True)
            self.assertEqual(end.returncode, 1, end.stderr)  # the file is not there; the word was no mistake


if __name__ == "__main__":
    sys.argv[1:] = []
    cases.main()
