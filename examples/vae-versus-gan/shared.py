# SPDX-License-Identifier: MIT
"""A folder that several workers share, on one machine or many: files that are there whole, and leases, which say who makes what.

A worker is a process. It holds a lease by a symbolic link `leases/NAME.NUMBER` that leads to the worker's name: of all who
try, the file system lets one make it. Where the worker of the last number is gone, the next number is free, so a lease is taken
over by one of those who noticed, too. Links of things that are made stay: another machine may see a new file late.
"""
import fcntl
import os
import pathlib
import socket
import threading
import time
import uuid

BEAT, STALE = 10, 120  # seconds between signs of life, and after how many without one a worker of another machine is gone


def this_machine():
    """What workers on one running system have in common; names of hosts may be those of containers."""
    file = pathlib.Path("/proc/sys/kernel/random/boot_id")
    return file.read_text().strip() if file.exists() else socket.gethostname()


def beside(path):
    """A name in the same folder that no one else has."""
    return path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}")


def write_whole(path, content):
    """A file of these bytes or words, which others see whole or not at all; one that has them already is left alone."""
    content = content.encode() if isinstance(content, str) else content
    if not path.exists() or path.read_bytes() != content:
        part = beside(path)
        part.write_bytes(content)
        part.replace(path)
    return path


def locked(file):
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


class Elsewhere(Exception):
    """Another worker is making what is at `path`."""

    def __init__(self, path):
        super().__init__(f"another worker is making {path}")
        self.path = path


class Leases:
    def __init__(self, folder, machine=None, beat=BEAT, stale=STALE):
        self.links, self.workers = pathlib.Path(folder) / "leases", pathlib.Path(folder) / "workers"
        for name in (self.links, self.workers):
            name.mkdir(parents=True, exist_ok=True)
        self.machine, self.stale = machine or this_machine(), stale
        self.worker = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        # On this machine a worker lives as long as this file is locked, by itself or by a program that it started: one that
        # was killed leaves them behind, and what they do is not to be done a second time beside them.
        self.file = os.open(self.workers / self.worker, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self.machine = "no-locks"  # on this file system: the signs of life remain
        self.heard = {}  # what another worker's file held last, and since when
        self.sign(0)
        threading.Thread(target=self.live, args=(beat,), daemon=True).start()

    def sign(self, count):
        os.pwrite(self.file, f"{self.machine} {count:12}\n".encode(), 0)
        os.fsync(self.file)

    def live(self, beat):
        count = 0
        while True:
            time.sleep(beat)
            count += 1
            try:
                self.sign(count)
            except OSError:
                pass  # a server that is away for a while; the next one may arrive

    def lives(self, worker):
        """Whether a worker is still there. Clocks of machines are not compared: what counts is whether its file changes."""
        if worker == self.worker:
            return True
        try:
            with open(self.workers / worker) as file:
                told = file.read()
                if told.split(" ")[0] == self.machine != "no-locks":
                    return locked(file)
        except FileNotFoundError:
            return False
        before, since = self.heard.get(worker, (None, 0))
        if told != before:
            self.heard[worker] = (told, time.monotonic())
            return True
        return time.monotonic() - since < self.stale

    def last(self, name):
        """(number of the next link, who made the last one or None)."""
        number = 0
        while (self.links / f"{name}.{number}").is_symlink():
            number += 1
        try:
            return number, os.readlink(self.links / f"{name}.{number - 1}") if number else None
        except FileNotFoundError:  # given back just now
            return number - 1, None

    def holder(self, name):
        """The living worker that has a lease, or None."""
        worker = self.last(name)[1]
        return worker if worker is not None and self.lives(worker) else None

    def take(self, name):
        """Whether this worker has the lease now."""
        number, worker = self.last(name)
        if worker is not None and self.lives(worker):
            return worker == self.worker
        try:
            os.symlink(self.worker, self.links / f"{name}.{number}")
            return True
        except FileExistsError:
            return False

    def give_back(self, name):
        """What was not made is free again. The links before, of workers that are gone, stay: numbers have no gaps."""
        number, worker = self.last(name)
        if worker == self.worker:
            (self.links / f"{name}.{number - 1}").unlink()
