#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Start and memory of `duet train`: seconds from the start of the process to the first finished step, and the peak of
resident memory, driver included; warm (kernels in the driver's cache) and cold (an empty cache).

Several --duet are timed by turns. DUET_DEVICE and OCL_ICD_VENDORS choose device and drivers as ever."""
import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

# Where drivers keep compiled kernels: PoCL, Mesa, Intel, NVIDIA.
CACHES = ('POCL_CACHE_DIR', 'MESA_SHADER_CACHE_DIR', 'NEO_CACHE_DIR', 'CUDA_CACHE_PATH')


def train(words, cache, length):
    """Seconds to the first line of losses, the processor's seconds, and the peak in MiB of one training."""
    environment = dict(os.environ)
    if cache:
        environment.update({variable: cache for variable in CACHES})
    with tempfile.TemporaryDirectory() as folder:
        begin = time.monotonic()
        child = subprocess.Popen([*words, *length, '--out', os.path.join(folder, 'run')], env=environment,
                                 stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        first, said = None, []
        for line in child.stderr:
            said.append(line)
            if first is None and '  step 1/' in line:
                first = time.monotonic() - begin
        _, status, usage = os.wait4(child.pid, 0)
        child.stderr.close()
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0 or (first is None and length[0] == '--steps'):
        sys.exit(f'{" ".join(words)} {" ".join(length)} failed ({child.returncode}):\n{"".join(said)}')
    unit = 1 if sys.platform == 'darwin' else 1024
    return first, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit / 2**20


def main():
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--runs', type=int, default=7, help='warm ones of each program')
    parser.add_argument('--cold-runs', type=int, default=3)
    parser.add_argument('--duet', action='append', metavar='PROGRAM', help='default: build/duet')
    parser.add_argument('model', nargs='*', default=['vae'], metavar='MODEL [key=value ...]')
    options = parser.parse_args()
    programs = options.duet or [os.path.join(here, 'build', 'duet')]
    commands = [[program, 'train', options.model[0], *(w for s in options.model[1:] for w in ('--set', s))]
                for program in programs]
    one, epoch = ['--steps', '1'], ['--epochs', '1']
    for words in commands:
        train(words, None, epoch)  # fills the driver's cache and the system's
    starts = {(i, kind): [] for i in range(len(commands)) for kind in ('warm', 'cold')}
    works, peaks = ({key: [] for key in starts} for _ in range(2))
    for _ in range(options.runs):
        for i, words in enumerate(commands):
            first, work, _ = train(words, None, one)
            starts[i, 'warm'].append(first)
            works[i, 'warm'].append(work)
    for _ in range(options.cold_runs):
        for i, words in enumerate(commands):
            with tempfile.TemporaryDirectory() as cache:
                first, work, peak = train(words, cache, one)
            starts[i, 'cold'].append(first)
            works[i, 'cold'].append(work)
            peaks[i, 'cold'].append(peak)
    for i, words in enumerate(commands):
        peaks[i, 'warm'].append(train(words, None, epoch)[2])
        if options.cold_runs > 0:
            with tempfile.TemporaryDirectory() as cache:
                peaks[i, 'cold'].append(train(words, cache, epoch)[2])
    print('kernels  first step, s: median  minimum  runs  processor, s  peak of an epoch, MiB  program')
    for (i, kind), seconds in starts.items():
        if not seconds:
            continue
        print(f'{kind:7}  {statistics.median(seconds):21.2f}  {min(seconds):7.2f}  {len(seconds):4}'
              f'  {statistics.median(works[i, kind]):12.2f}  {max(peaks[i, kind]):21.1f}  {" ".join(commands[i])}')


if __name__ == '__main__':
    main()
