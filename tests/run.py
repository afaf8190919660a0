#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs a suite of a build folder's test programs and adds up what cmocka says of each.

Meson counts programs; people want cases. So each program writes cmocka's XML, and its totals are read here. A program
that crashes, hangs, or ends without results counts as one failure more. Most of the time goes into a driver that
compiles kernels, one by one: so as many programs run at a time as there are cores, or as $DUET_TEST_JOBS says.
usage: run.py BUILD_FOLDER SUITE TOTALS_FILE   (a line "passed failed skipped" is appended to the file)
A test that has not begun at $DUET_TEST_UNTIL (seconds since 1970) is skipped: CI's hour tells more than none of it.
"""
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

CASE = re.compile(r'<testcase name="([^"]*)"[^>]*?(?:/>|>(.*?)</testcase>)', re.S)


def read_cases(folder):
    """(name, outcome, message) of every case in the XML files of a folder."""
    for path in sorted(folder.glob("*.xml")):
        for name, body in CASE.findall(path.read_text(errors="replace")):
            if "<skipped" in body:
                yield name, "skipped", re.sub(r"</?skipped[^>]*>", "", body).strip()
            elif "<failure" in body or "<error" in body:
                yield name, "failed", re.sub(r"<!\[CDATA\[|\]\]>|</?(failure|error)[^>]*>", "", body).strip()
            else:
                yield name, "passed", ""


def run_program(test, build, folder, slowness):
    """Runs one program, as Meson does: in the build folder, where paths of its command may start. Returns its exit status
    (None: it did not end by itself), what went wrong, or "", and the seconds of processors that it took with its children."""
    environment = dict(os.environ, **test["env"])
    environment.update(CMOCKA_MESSAGE_OUTPUT="xml", CMOCKA_XML_FILE=str(folder / "%g.xml"))
    limit = test["timeout"] * slowness
    with open(folder / "output.txt", "wb") as output:
        if not os.access(test["cmd"][0], os.X_OK):
            return None, "was not built", 0
        process = subprocess.Popen(test["cmd"], env=environment, cwd=test["workdir"] or build, stdin=subprocess.DEVNULL,
                                   stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
        late = threading.Event()
        timer = threading.Timer(limit, lambda: (late.set(), os.killpg(process.pid, signal.SIGKILL)))
        timer.start()
        _, status, used = os.wait4(process.pid, 0)
        timer.cancel()
    code = process.returncode = os.waitstatus_to_exitcode(status)
    seconds = used.ru_utime + used.ru_stime
    if late.is_set():
        return None, f"ran past {limit:.0f} s and was stopped", seconds
    if code < 0:
        return None, f"ended by signal {-code}", seconds
    return code, f"ended with exit status {code}" if code != 0 else "", seconds


def run_test(test, build, suite, slowness):
    """Returns the lines to print, more than one where something failed, and counts by outcome."""
    if time.time() > float(os.environ.get("DUET_TEST_UNTIL", "inf")):
        return [f"{test['name']:<22} skipped: there was no time left to begin it"], {"passed": 0, "failed": 0, "skipped": 1}
    folder = build / "test-results" / suite / test["name"]
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    start = time.monotonic()
    code, trouble, seconds = run_program(test, build, folder, slowness)
    cases = list(read_cases(folder))
    count = {word: sum(outcome == word for _, outcome, _ in cases) for word in ("passed", "failed", "skipped")}
    if not cases:
        trouble = trouble or "wrote no results"
    if code is not None and count["failed"] > 0:
        trouble = ""  # cmocka's exit status is the number of failed cases
    count["failed"] += trouble != ""
    lines = [f"{test['name']:<22} {count['passed']:>4} passed {count['failed']:>3} failed "
             f"{count['skipped']:>3} skipped {time.monotonic() - start:>7.1f} s, {seconds:>6.1f} s of a core"]
    lines += [f"    FAILED {name}: {message}" for name, outcome, message in cases if outcome == "failed"]
    lines += [f"    skipped {name}{': ' * (message != '')}{message}" for name, outcome, message in cases if outcome == "skipped"]
    if trouble:
        lines.append(f"    FAILED: the program {trouble}")
    if count["failed"]:
        lines += ["    | " + line for line in (folder / "output.txt").read_text(errors="replace").splitlines()[-40:]]
    return lines, count


def main():
    build, suite, totals = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2], sys.argv[3]
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)  # what a background job ignores, tests send: programs keep ignoring it
    listed = json.loads((build / "meson-info" / "intro-tests.json").read_text())
    tests = [test for test in listed if f"duet:{suite}" in test["suite"]]
    tests.sort(key=lambda test: -test["timeout"])  # the longest first, so that none is left alone at the end
    jobs = int(os.environ.get("DUET_TEST_JOBS", len(os.sched_getaffinity(0))))
    slowness = float(os.environ.get("DUET_TEST_SLOWNESS", "1"))
    sums = {"passed": 0, "failed": 0, "skipped": 0}
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        runs = [pool.submit(run_test, test, build, suite, slowness) for test in tests]
        for run in concurrent.futures.as_completed(runs):
            lines, count = run.result()
            print("\n".join(lines), flush=True)
            for word, number in count.items():
                sums[word] += number
    if not tests:
        print(f"there is no test in suite {suite} of {build}")
        sums["failed"] += 1
    with open(totals, "a") as file:
        file.write(f"{sums['passed']} {sums['failed']} {sums['skipped']}\n")
    return 1 if sums["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
