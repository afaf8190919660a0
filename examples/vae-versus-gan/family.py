# SPDX-License-Identifier: MIT
"""The family at equal means: every model trained for the same seconds of a core, and judged by the same judge."""
from evidence import over_seeds

# Label; words after `duet train`; whether the quick study has it; whether drawing 2,500 samples takes minutes.
FAMILY = [
    ("ae", ["ae"], False, False),
    ("vae", ["vae"], True, False),
    ("vae-conv", ["vae-conv", "--set", "latent=20"], True, False),
    ("cvae", ["cvae"], False, False),
    ("gan", ["gan"], True, False),
    ("gan-conv", ["gan-conv", "--set", "width=16", "--set", "window=4", "--set", "lr=0.0007"], True, False),
    ("cgan", ["cgan"], False, False),
    ("vae-gan", ["vae-gan"], True, False),
    ("vae-gan-conv", ["vae-gan-conv"], False, False),
    ("bigan", ["bigan"], True, False),
    ("aae", ["aae"], True, False),
    ("infogan", ["infogan"], False, False),
    ("nice", ["nice", "--set", "hidden=400,400"], True, False),
    ("realnvp", ["realnvp"], False, False),
    ("made", ["made"], True, False),
    ("pixelcnn", ["pixelcnn"], False, True),
    ("flow-matching", ["flow-matching"], True, False),
    ("ddpm", ["ddpm"], False, True),
]


def words_of(label):
    return next(words for name, words, _, _ in FAMILY if name == label)


def run(lab, label, seed):
    """A member's run of a seed."""
    return lab.train(label, words_of(label), seed, seconds=lab.seconds)


def members(lab):
    return [label for label, _, quick, _ in FAMILY if quick or lab.full]


def measure(lab, label, seed):
    """All metrics that the model has and that do not take long, and the likelihood's where it has one."""
    return lab.evaluate(run(lab, label, seed), [], lab.judge())


def table(lab):
    """{label: {metric: estimate over the seeds}}, of all members."""
    pairs = [(label, seed) for label in members(lab) for seed in lab.seeds]
    found = dict(zip(pairs, lab.each(lambda pair: measure(lab, *pair), pairs)))
    whole = {}
    for label in members(lab):
        by_seed = [found[label, seed] for seed in lab.seeds]
        names = dict.fromkeys(name for one in by_seed for name in one)
        whole[label] = {name: over_seeds([one.get(name) for one in by_seed]) for name in names}
    return whole
