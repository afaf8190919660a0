# SPDX-License-Identifier: MIT
"""The family at equal means: every model trained for the same seconds of a core, and judged by the same judge."""

# What is asked of models that rebuild 10,000 test pictures only by solving an equation for each: nothing that rebuilds.
SAMPLED = ["frechet", "kernel-distance", "precision", "inception-score", "classes", "memorisation"]

# Label; words after `duet train`; whether the quick study has it, which leaves out what draws 2,500 samples for minutes;
# the metrics (none: all that it has and that do not take long).
FAMILY = [
    ("ae", ["ae"], False, []),
    ("vae", ["vae"], True, []),
    ("vae-conv", ["vae-conv", "--set", "latent=20"], True, []),
    ("cvae", ["cvae"], False, []),
    ("gan", ["gan"], True, []),
    ("gan-conv", ["gan-conv", "--set", "width=16", "--set", "window=4", "--set", "lr=0.0007"], True, []),
    ("cgan", ["cgan"], False, []),
    ("vae-gan", ["vae-gan"], True, []),
    ("vae-gan-conv", ["vae-gan-conv"], False, []),
    ("bigan", ["bigan"], True, []),
    ("aae", ["aae"], True, []),
    ("infogan", ["infogan"], False, []),
    ("nice", ["nice", "--set", "hidden=400,400"], True, []),
    ("realnvp", ["realnvp"], False, []),
    ("made", ["made"], True, []),
    ("pixelcnn", ["pixelcnn"], False, []),
    ("flow-matching", ["flow-matching"], True, SAMPLED),
    ("ddpm", ["ddpm"], False, SAMPLED),
]


def words_of(label):
    return next(words for name, words, *_ in FAMILY if name == label)


def run(lab, label, seed):
    """A member's run of a seed."""
    return lab.train(label, words_of(label), seed, seconds=lab.seconds)


def members(lab):
    return [label for label, _, quick, _ in FAMILY if quick or lab.full]


def measure(lab, label, seed):
    metrics = next(metrics for name, *_, metrics in FAMILY if name == label)
    return lab.evaluate(run(lab, label, seed), metrics, lab.judge())


def table(lab):
    """{label: {metric: estimate over the seeds}}, of all members."""
    return lab.by_seed(members(lab), lambda label, seed: measure(lab, label, seed))
