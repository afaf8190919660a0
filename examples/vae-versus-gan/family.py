# SPDX-License-Identifier: MIT
"""The family at equal means: every model trained for the same seconds of a core, and judged by the same judge."""

# What is asked: of all that sample, of all that encode and rebuild, and of some. Models that rebuild only by solving an
# equation for each picture are asked for samples alone.
DRAWN = ["frechet", "kernel-distance", "precision", "inception-score", "classes", "memorisation"]
PICTURES = [*DRAWN, "sharpness"]
CODES = ["mse", "ssim", "nearest-neighbour", "linear-probe"]
VAE = [*PICTURES, *CODES, "reconstruction-agreement", "latent-mmd", "elbo", "active-units"]

# Label; words after `duet train`; more words in the quick study (None: it leaves out what draws 2,500 samples for
# minutes); the metrics.
FAMILY = [
    ("flow-matching", ["flow-matching"], ["--set", "width=8"], DRAWN),  # first, as it takes longest
    ("ae", ["ae"], None, CODES),
    ("vae", ["vae"], [], VAE),
    ("vae-conv", ["vae-conv", "--set", "latent=20"], [], VAE),
    ("cvae", ["cvae"], None, VAE),
    ("gan", ["gan"], [], PICTURES),
    ("gan-conv", ["gan-conv", "--set", "width=16", "--set", "window=4", "--set", "lr=0.0007"], [], PICTURES),
    ("cgan", ["cgan"], None, PICTURES),
    ("vae-gan", ["vae-gan"], [], [*PICTURES, *CODES]),
    ("vae-gan-conv", ["vae-gan-conv"], None, [*PICTURES, *CODES]),
    ("bigan", ["bigan"], [], [*PICTURES, *CODES, "reconstruction-agreement"]),
    ("aae", ["aae"], [], [*PICTURES, *CODES, "latent-mmd"]),
    ("infogan", ["infogan"], None, PICTURES),
    ("nice", ["nice", "--set", "hidden=400,400"], [], [*PICTURES, *CODES, "nll"]),
    ("realnvp", ["realnvp"], None, [*PICTURES, *CODES, "nll"]),
    ("made", ["made"], [], [*PICTURES, "nll"]),
    ("pixelcnn", ["pixelcnn"], None, [*PICTURES, "nll"]),
    ("ddpm", ["ddpm"], None, DRAWN),
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
