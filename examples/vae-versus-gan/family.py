# SPDX-License-Identifier: MIT
"""The family at equal means: every model trained for the same seconds of a core, and judged by the same judge."""

# What is asked of models that rebuild 10,000 test pictures only by solving an equation for each: nothing that rebuilds.
SAMPLED = ["frechet", "kernel-distance", "precision", "inception-score", "classes", "memorisation"]

# Label; words after `duet train`; more words in the quick study (None: it leaves out what draws 2,500 samples for
# minutes); the metrics (none: all that it has and that do not take long).
FAMILY = [
    ("flow-matching", ["flow-matching"], ["--set", "width=8"], SAMPLED),  # first, as it takes longest
    ("ae", ["ae"], None, []),
    ("vae", ["vae"], [], []),
    ("vae-conv", ["vae-conv", "--set", "latent=20"], [], []),
    ("cvae", ["cvae"], None, []),
    ("gan", ["gan"], [], []),
    ("gan-conv", ["gan-conv", "--set", "width=16", "--set", "window=4", "--set", "lr=0.0007"], [], []),
    ("cgan", ["cgan"], None, []),
    ("vae-gan", ["vae-gan"], [], []),
    ("vae-gan-conv", ["vae-gan-conv"], None, []),
    ("bigan", ["bigan"], [], []),
    ("aae", ["aae"], [], []),
    ("infogan", ["infogan"], None, []),
    ("nice", ["nice", "--set", "hidden=400,400"], [], []),
    ("realnvp", ["realnvp"], None, []),
    ("made", ["made"], [], []),
    ("pixelcnn", ["pixelcnn"], None, []),
    ("ddpm", ["ddpm"], None, SAMPLED),
]


def words_of(lab, label):
    words, quick = next((words, quick) for name, words, quick, _ in FAMILY if name == label)
    return words if lab.full or not quick else words + quick


def run(lab, label, seed):
    """A member's run of a seed."""
    return lab.train(label, words_of(lab, label), seed, seconds=lab.seconds)


def members(lab):
    return [label for label, _, quick, _ in FAMILY if quick is not None or lab.full]


def measure(lab, label, seed):
    metrics = next(metrics for name, *_, metrics in FAMILY if name == label)
    return lab.evaluate(run(lab, label, seed), metrics, lab.judge())


def table(lab):
    """{label: {metric: estimate over the seeds}}, of all members."""
    return lab.by_seed(members(lab), lambda label, seed: measure(lab, label, seed))
