# SPDX-License-Identifier: MIT
"""The family at equal means: every model trained for the same seconds of a core, and judged by the same judge."""
from evidence import number

# What is asked: of all that sample, of all that encode and rebuild, and of some. Models that rebuild only by solving an
# equation for each picture are asked for samples alone.
DRAWN = ["frechet", "kernel-distance", "precision", "inception-score", "classes", "memorisation"]
PICTURES = [*DRAWN, "sharpness"]
CODES = ["mse", "ssim", "nearest-neighbour", "linear-probe"]
VAE = [*PICTURES, *CODES, "reconstruction-agreement", "latent-mmd", "elbo", "active-units"]

# Label; words after `duet train`; whether the quick study has it too, which leaves out what draws 2,500 samples for
# minutes; the metrics.
FAMILY = [
    ("flow-matching", ["flow-matching", "--set", "width=8"], True, DRAWN),  # first, as it takes longest
    ("ae", ["ae"], False, CODES),
    ("vae", ["vae"], True, VAE),
    ("vae-conv", ["vae-conv", "--set", "latent=20"], True, VAE),
    ("cvae", ["cvae"], False, VAE),
    ("gan", ["gan"], True, PICTURES),
    ("gan-conv", ["gan-conv", "--set", "width=16", "--set", "window=4", "--set", "lr=0.0007"], True, PICTURES),
    ("cgan", ["cgan"], False, PICTURES),
    ("vae-gan", ["vae-gan"], True, [*PICTURES, *CODES]),
    ("vae-gan-conv", ["vae-gan-conv"], False, [*PICTURES, *CODES]),
    ("bigan", ["bigan"], True, [*PICTURES, *CODES, "reconstruction-agreement"]),
    ("aae", ["aae"], True, [*PICTURES, *CODES, "latent-mmd"]),
    ("infogan", ["infogan"], False, PICTURES),
    ("nice", ["nice", "--set", "hidden=400,400"], True, [*PICTURES, *CODES, "nll"]),
    ("realnvp", ["realnvp"], False, [*PICTURES, *CODES, "nll"]),
    ("made", ["made"], True, [*PICTURES, "nll"]),
    ("pixelcnn", ["pixelcnn"], False, [*PICTURES, "nll"]),
    ("ddpm", ["ddpm", "--set", "width=8"], False, DRAWN),
]


def words_of(label):
    return next(words for name, words, *_ in FAMILY if name == label)


def run(lab, label, seed):
    """A member's run of a seed."""
    return lab.train(label, words_of(label), seed, seconds=lab.seconds)


def members(lab):
    return [label for label, _, quick, _ in FAMILY if quick or lab.full]


# What takes longest to compute, and of whom claims read it: the quick study asks no others.
SLOWEST = {"kernel-distance": ("vae", "vae-conv", "gan", "gan-conv"), "memorisation": ("vae", "nice", "made", "gan", "gan-conv")}


def measure(lab, label, seed):
    metrics = next(metrics for name, *_, metrics in FAMILY if name == label)
    metrics = [metric for metric in metrics if lab.full or label in SLOWEST.get(metric, (label,))]
    return lab.evaluate(run(lab, label, seed), metrics, lab.judge())


def table(lab):
    """{label: {metric: estimate over the seeds}}, of all members."""
    return lab.by_seed(members(lab), lambda label, seed: measure(lab, label, seed))


# The tables that stand before the claims: a title, and what of each member.
TABLES = [
    ("Samples", ["frechet", "kernel-distance", "precision", "recall", "density", "coverage", "inception-score",
                 "largest-share", "sharpness", "memorisation", "authenticity"]),
    ("Codes and likelihoods", ["mse", "ssim", "nearest-neighbour", "linear-probe", "reconstruction-agreement", "latent-mmd",
                               "active-units", "elbo", "nll"]),
]


def tables(lab):
    """[(title, columns, rows)]: what each member costs and every metric that it was asked for."""
    found = table(lab)
    cost = []
    for label in found:
        seconds = lab.step_seconds(words_of(label))
        cost.append([label, number(lab.parameters(run(lab, label, lab.seeds[0]))), number(1000 * seconds),
                     number(max(20, round(lab.seconds / seconds)))])
    told = [("Cost", ["model", "parameters", "ms a step", "steps"], cost)]
    for title, names in TABLES:
        names = [name for name in names if any(found[label].get(name) for label in found)]
        told.append((title, ["model", *names], [[label, *(found[label].get(name) for name in names)] for label in found
                                                if any(found[label].get(name) for name in names)]))
    return told
