#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a training step of N ranks takes by a model: computation at the device's peaks, then sums over a network.

A step is what its launches take at the device's peaks, and its exchanges; pieces of them that are fetched early are summed
while the device computes the rest. Launches and exchanges are those of `duet explain --ranks --json`. docs/distributed.md
explains the terms and the tables.
"""
import argparse
import dataclasses
import json
import math
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
SMALL_BYTES = 16 << 10  # src/ranks/collectives.c: below it, all ranks together, every rank gets all numbers
FLOAT = 4
RANKS = [2 ** k for k in range(13)]
LEAST_A_RANK = 2  # examples; `duet` refuses less


@dataclasses.dataclass(frozen=True)
class Network:
    latency: float    # seconds of a message from one rank to another
    message: float    # seconds of the host for each message
    bandwidth: float  # bytes a second into a rank, and as many out of it at the same time


@dataclasses.dataclass(frozen=True)
class Host:
    copy: float   # bytes a second between the device and the host
    wait: float   # seconds until the host knows that the device is done, and once more until the device goes on
    adding: float  # bytes a second that the host adds up


@dataclasses.dataclass(frozen=True)
class Exchange:
    """Sums over ranks that follow `seconds` of computing; of the pieces, each (bytes, seconds), one is fetched so many
    seconds before the computing's end, while that goes on."""
    seconds: float
    size: int          # bytes of a rank's numbers, pieces included
    pieces: tuple
    gradients: bool    # of the parameters of a group


@dataclasses.dataclass(frozen=True)
class Plan:
    seconds: float   # computation
    parameters: int
    exchanges: tuple


# Assumed, and stated so in docs/distributed.md: --network has others.
NETWORKS = {
    "25 GbE": Network(15e-6, 2e-6, 1.5e9),  # half of the wire: Open MPI over TCP
    "100 GbE": Network(5e-6, 0.5e-6, 11.5e9),
    "HDR": Network(1.5e-6, 0.3e-6, 24e9),
}
MODELS = ["mlpgan:128", "mlpgan:4096", "dcgan:32", "dcgan:1024", "flow-matching:64:width=288"]


def rounds(size, ranks):
    """Of a sum of `size` bytes: (messages, bytes) that a rank sends in each of its exchanges."""
    if size == 0 or ranks == 1:
        return []
    count = size // FLOAT
    if count <= SMALL_BYTES // FLOAT // ranks:
        return [(ranks - 1, (ranks - 1) * size)]
    piece = math.ceil(count / ranks) * FLOAT
    return 2 * [(min(ranks - 1, count), min((ranks - 1) * piece, size))]


def halving(size, ranks):
    """The same for sums by recursive halving and doubling, which Duet does not have."""
    if size == 0 or ranks == 1:
        return []
    down = [(1, size / 2 ** (k + 1)) for k in range(math.ceil(math.log2(ranks)))]
    return 2 * down


def sum_seconds(size, ranks, network, adding=math.inf, how=rounds):
    return size / adding + sum(network.latency + messages * network.message + sent / network.bandwidth
                               for messages, sent in how(size, ranks)) if ranks > 1 else 0


def exchange_seconds(exchange, ranks, network, host, how=rounds, overlaps=True):
    """What an exchange adds to the computing before it. The host sums pieces as they come, and what is left at the end."""
    left = exchange.size - sum(size for size, _ in exchange.pieces)
    now, copied, last = -math.inf, 0, 0
    for size, before in [*exchange.pieces, (left, 0)] if left or not exchange.pieces else exchange.pieces:
        copied += size / host.copy  # the device copies between its launches
        ready = copied + host.wait - (before if overlaps else 0)
        now, last = max(now, ready) + sum_seconds(size, ranks, network, host.adding, how), size
    return max(now, copied) + last / host.copy + host.wait if ranks > 1 else 0


def sizes(exchange):
    """The bytes of each of its sums: pieces, and what is left."""
    pieces = [size for size, _ in exchange.pieces]
    return [size for size in (*pieces, exchange.size - sum(pieces)) if size > 0]


def halved(exchange):
    return dataclasses.replace(exchange, size=exchange.size // 2, pieces=tuple((size // 2, before) for size, before in exchange.pieces))


def step_seconds(plan, ranks, network, host, changes=()):
    """A step's seconds; `changes`: of the words of CHANGES, what Duet does not do."""
    how = halving if "halving" in changes else rounds
    host = Host(math.inf, host.wait, math.inf) if "direct" in changes else host
    total = plan.seconds
    for exchange in plan.exchanges:
        if "norm" in changes and not exchange.gradients:
            continue
        if "half" in changes and exchange.gradients:
            exchange = halved(exchange)
        total += exchange_seconds(exchange, ranks, network, host, how, "after" not in changes)
    return total


def explain(duet, model, batch, ranks, settings=(), gpu=None):
    """The document of `duet explain`: of one of `ranks`, with this many examples a rank."""
    words = [duet, "explain", model, "--json", "--batch", batch * ranks]
    words += ["--ranks", ranks] if ranks > 1 else []
    words += ["--for", gpu] if gpu else []
    for setting in settings:
        words += ["--set", setting]
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"step_model: {' '.join(map(str, words))}: {done.stderr.strip() or 'failed'}")
    return json.loads(done.stdout)


def launch_seconds(launch, paper, of_peak=1):
    """At `of_peak` of the peaks of a device on paper, with the launch's own cost; 0 where there is no paper."""
    if paper is None or launch["kind"] == "all_reduce" or launch["prepares"]:
        return 0
    busy = max(launch["flops"] / (1e9 * paper["peak_gflops"]), launch["bytes"] / (1e9 * paper["bandwidth_gbs"]))
    return busy / of_peak + 1e-6 * paper["launch_us"]


def numbers_of(launch, word):
    """N of a launch called "WORD of N numbers"; None of another."""
    words = launch["kernel"].split()
    return int(words[2]) if launch["kind"] == "all_reduce" and words[:2] == [word, "of"] else None


def exchanges_of(document, of_peak=1):
    found = []
    for phase in document["phases"]:
        now, last, fetched, own = 0, 0, [], []
        for launch in phase["launches"]:
            now += launch_seconds(launch, document["paper"], of_peak)
            if (numbers := numbers_of(launch, "fetch")) is not None:
                fetched.append((numbers * FLOAT, now))
            elif (numbers := numbers_of(launch, "all_reduce")) is not None:
                values = [store["value"] for part in launch["parts"] for store in part["stores"]]
                gradients = any("gradients of" in value for value in values)
                pieces = fetched if gradients else []  # what is fetched are gradients, of the next exchange that has any
                own.append(Exchange(now - last, numbers * FLOAT, tuple((size, now - then) for size, then in pieces), gradients))
                last, fetched = now, [] if gradients else fetched
        found += phase["repeats"] * own
    return tuple(found)


def floor_seconds(document, of_peak=1):
    """What the launches of a step take."""
    return sum(phase["repeats"] * launch_seconds(launch, document["paper"], of_peak)
               for phase in document["phases"] for launch in phase["launches"])


def plan_of(arguments, model, batch, settings):
    document = explain(arguments.duet, model, batch, 2, settings, arguments.gpu)
    parameters = {group["group"]: group["parameters"] for phase in document["phases"] for group in phase["updates"]}
    return Plan(floor_seconds(document, arguments.of_peak), sum(parameters.values()),
                exchanges_of(document, arguments.of_peak))


def split_model(word):
    name, batch, *settings = word.split(":")
    return name, int(batch), settings[0].split(",") if settings else []


def split_network(word):
    name, _, numbers = word.partition("=")
    latency, message, bandwidth = (float(number) for number in numbers.split(","))
    return name, Network(1e-6 * latency, 1e-6 * message, 1e9 * bandwidth)


def table(heads, rows):
    print("| " + " | ".join(heads) + " |\n" + "|---" * len(heads) + "|")
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print()


def milliseconds(seconds):
    return f"{1e3 * seconds:.3g}"


def share(number):
    return f"{number:.2f}" if number >= 0.1 else f"{number:.2g}"


def print_plans(plans):
    table(["model", "parameters", "examples a rank", "ms computing", "exchanges", "MiB in all"],
          [[name, f"{plan.parameters:,}", str(batch), milliseconds(plan.seconds), str(len(plan.exchanges)),
            f"{sum(exchange.size for exchange in plan.exchanges) / (1 << 20):.3g}"]
           for (name, batch), plan in plans.items()])


def pays(plan, network, host):
    """The batch a rank kept: from how many ranks on, of powers of two, all together are faster than one alone, and up
    to how many each is worth half a device."""
    worth = {ranks: plan.seconds / step_seconds(plan, ranks, network, host) for ranks in RANKS}
    faster = [ranks for ranks in RANKS if ranks > 1 and ranks * worth[ranks] > 1]
    half = [ranks for ranks in RANKS if ranks > 1 and worth[ranks] >= 0.5]
    return str(min(faster)) if faster else "never", str(max(half)) if half else "none"


def print_prediction(arguments, plans, host):
    rows = []
    for (name, batch), plan in plans.items():
        for network_name, network in arguments.networks.items():
            steps = [step_seconds(plan, ranks, network, host) for ranks in arguments.ranks]
            rows.append([name, str(batch), network_name,
                         *(f"{milliseconds(step)} ({share(plan.seconds / step)})" for step in steps),
                         *pays(plan, network, host)])
    table(["model", "examples a rank", "network", *(f"{ranks:,} ranks" for ranks in arguments.ranks),
           "faster than one from", "half a device each up to"], rows)


def print_strong(arguments, host):
    """A batch for all ranks together that stays as it is: the number of ranks whose step is shortest."""
    rows, total = [], arguments.together
    for name, settings in dict.fromkeys((name, tuple(settings)) for name, _, settings in map(split_model, arguments.models)):
        plans = {ranks: plan_of(arguments, name, total // ranks, settings) for ranks in RANKS
                 if total % ranks == 0 and total >= LEAST_A_RANK * ranks}
        for network_name, network in arguments.networks.items():
            steps = {ranks: step_seconds(plan, ranks, network, host) for ranks, plan in plans.items()}
            best = min(steps, key=steps.get)
            rows.append([name, network_name, milliseconds(steps[1]), str(best), milliseconds(steps[best]),
                         f"{steps[1] / steps[best]:.3g}"])
    table(["model", "network", "ms alone", "ranks", "ms", "times as fast"], rows)


CHANGES = {"no overlap": ("after",), "today": (), "norm a rank": ("norm",), "half": ("half",), "direct": ("direct",),
           "halving": ("halving",), "all four": ("norm", "half", "direct", "halving")}


def print_changes(arguments, plans, host):
    rows = []
    for (name, batch), plan in plans.items():
        for network_name, network in arguments.networks.items():
            for ranks in arguments.ranks:
                rows.append([name, str(batch), network_name, f"{ranks:,}",
                             *(share(plan.seconds / step_seconds(plan, ranks, network, host, changes))
                               for changes in CHANGES.values())])
    table(["model", "examples a rank", "network", "ranks", *CHANGES], rows)


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", 1)[0], epilog=__doc__.split("\n\n", 1)[1],
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=MODELS, metavar="MODEL:BATCH[:KEY=VALUE,...]",
                        help=f"the batch is that of a rank (default: {' '.join(MODELS)})")
    parser.add_argument("--ranks", default="8,64,1024", metavar="N,N", help="how many (default: 8,64,1024)")
    parser.add_argument("--network", action="append", metavar="NAME=US,US,GB/S", help="latency, the host's time for a "
                        "message, bandwidth of a rank; may be given several times (default: " +
                        ", ".join(f"{name}={1e6 * n.latency:g},{1e6 * n.message:g},{n.bandwidth / 1e9:g}"
                                  for name, n in NETWORKS.items()) + ")")
    parser.add_argument("--gpu", default="h100", metavar="GPU", help="one of `duet explain --help` (default: h100)")
    parser.add_argument("--of-peak", type=float, default=1, metavar="X", help="share of the device's peaks that kernels "
                        "reach (default: 1, the floor)")
    parser.add_argument("--copy", type=float, default=12, metavar="GB/S", help="between device and host (default: 12)")
    parser.add_argument("--wait", type=float, default=10, metavar="US", help="until the host knows that the device is "
                        "done, or the other way round (default: 10)")
    parser.add_argument("--adding", type=float, default=6, metavar="GB/S", help="what the host adds up (default: 6)")
    parser.add_argument("--together", type=int, default=4096, metavar="N", help="the batch of all ranks together in the "
                        "table where that is kept (default: 4096)")
    parser.add_argument("--duet", type=pathlib.Path, default=HERE.parent / "build" / "duet", metavar="PATH")
    arguments = parser.parse_args()
    try:
        arguments.ranks = [int(number) for number in arguments.ranks.split(",")]
        arguments.networks = dict(map(split_network, arguments.network)) if arguments.network else NETWORKS
        for word in arguments.models:
            split_model(word)
    except ValueError as error:
        parser.error(f"{error}: see --help")
    return arguments


def main():
    arguments = read_arguments()
    host = Host(1e9 * arguments.copy, 1e-6 * arguments.wait, 1e9 * arguments.adding)
    plans = {(name, batch): plan_of(arguments, name, batch, settings)
             for name, batch, settings in map(split_model, arguments.models)}
    print(f"On {arguments.gpu} at {arguments.of_peak:g} of its peaks.\n")
    print_plans(plans)
    print("The batch a rank kept: ms a step, and in brackets what each rank is worth of a device alone.\n")
    print_prediction(arguments, plans, host)
    print(f"{arguments.together} examples in all, dealt out to ranks: where a step is shortest.\n")
    print_strong(arguments, host)
    print("What a rank is worth of a device alone, with changes.\n")
    print_changes(arguments, plans, host)


if __name__ == "__main__":
    main()
