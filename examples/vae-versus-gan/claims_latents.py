# SPDX-License-Identifier: MIT
"""Claims about likelihoods and latents: what a model knows of the data, and what its codes mean."""
import statistics

import data
import family
from claim import Claim, claim
from evidence import REFUTED, SUPPORTED, DEPENDS, compare, number, over_seeds, verdict
from lab import Refused


def trained(lab, names, metrics, trainings, judge=False, steps=None, like=None):
    """{label: {metric: estimate over seeds}} of trainings {label: words}, all for a sweep's seconds or some steps."""
    def one(label, seed):
        length = {"steps": steps} if steps else {"seconds": lab.sweep_seconds, "like": like}
        run = lab.train(f"{names}-{label}".replace(" ", "-").replace(",", "").replace("=", "-"), trainings[label], seed,
                        **length)
        return lab.evaluate(run, metrics, lab.judge() if judge else None)
    return lab.by_seed(trainings, one)


@claim(12, "VAEs have a likelihood, GANs none, flows an exact one", "importance weights, exact likelihoods, and a refusal")
def has_likelihood(lab):
    vaes = lab.each(lambda seed: lab.evaluate(family.run(lab, "vae", seed), ["elbo", "log-likelihood"], None,
                                              ["--set", f"k={lab.pick(100, 1000)}"]), lab.seeds)
    bound, tight = (over_seeds([one[name] for one in vaes]) for name in ("elbo", "log-likelihood"))
    table = family.table(lab)
    rows = [["vae, ELBO", bound, "a bound"], ["vae, importance weighting", tight, "a tighter bound"]]
    rows += [[f"{label}, -nll", negated(table[label]["nll"]), "exact"] for label in ("made", "pixelcnn", "nice", "realnvp")
             if label in table]
    try:
        lab.evaluate(family.run(lab, "gan", lab.seeds[0]), ["log-likelihood"])
        refused = False
    except Refused as words:
        refused = True
        rows.append(["gan", None, str(words).removeprefix("duet: ")])
    return Claim(["model", "log p(x), nats", "what it is"], rows,
                 SUPPORTED if refused and compare(bound, tight) >= 0 and tight["value"] > bound["value"] else DEPENDS,
                 "vae and made: of grey levels as probabilities (Bernoulli). nice and realnvp: densities of bytes with "
                 "noise, another measure that cannot be set beside it.")


def negated(one):
    return None if one is None else number(-one["value"], None if one["high"] is None else -one["high"],
                                           None if one["low"] is None else -one["low"], one["n"])


@claim(14, "VAEs encode, GANs cannot project", "error of the encoder, of inversion by descent, of BiGAN, of the inverse flow")
def encode(lab):
    table, rows = family.table(lab), []
    for label in ("vae", "bigan", "aae", "nice"):
        rows.append([label, table[label]["mse"], table[label].get("ssim"), "one pass"])
    steps = lab.pick(200, 500)

    def one(seed):
        found = lab.ask("invert", family.run(lab, "gan", seed), "-n", 64, "--set", f"steps={steps}")
        return number(found["mse"], found["mse_low"], found["mse_high"], 64)
    inverse = over_seeds(lab.each(one, lab.seeds))
    rows.append(["gan, by descent", inverse, None, f"{steps} steps, 5 restarts"])
    return Claim(["model", "mse", "ssim", "how"], rows, verdict([compare(table["vae"]["mse"], inverse)]),
                 "'Cannot' is too strong where descent comes near: set its error beside the VAE's.")


@claim(15, "whose latent means something?", "active units, probes of codes, mutual-information gap on shapes")
def means_something(lab):
    table = family.table(lab)
    names = ["active-units", "nearest-neighbour", "linear-probe"]
    rows = [[label, *(table[label].get(name) for name in names), None, None] for label in ("vae", "aae", "bigan", "nice")]
    probes = over_seeds(lab.each(lambda seed: lab.evaluate(family.run(lab, "gan", seed), ["latent-probe"], lab.judge())[
        "latent-probe"], lab.seeds))
    rows.append(["gan", None, None, None, probes, None])
    shapes = trained(lab, "factors", ["mutual-information-gap", "active-units"],
                     {f"beta {beta}": ["vae", "--data", "shapes", "--set", f"beta={beta}", "--set", "latent=10"]
                      for beta in lab.pick([1, 4], [1, 4, 16])})
    gaps = {label: shapes[label]["mutual-information-gap"] for label in shapes}
    rows += [[f"vae on shapes, {label}", shapes[label]["active-units"], None, None, None, gaps[label]] for label in gaps]
    return Claim(["model", *names, "probe of z", "mutual-information gap"], rows,
                 verdict([compare(gaps["beta 1"], gaps["beta 4"]), compare(probes, table["vae"]["linear-probe"])]),
                 "'Supported' where beta separates the factors and a VAE's code tells the class better than a GAN's z.")


@claim(16, "an autoencoder cannot generate; what the noise is for", "Frechet distance of decode(N(0, I)), test and training error")
def what_noise_is_for(lab):
    nets = {"no noise, no KL": ["vae", "--set", "posterior_noise=0", "--set", "beta=0"],
            "noise, no KL": ["vae", "--set", "beta=0"], "no noise, KL": ["vae", "--set", "posterior_noise=0"],
            "vae": ["vae"]}
    found = trained(lab, "noise", ["frechet", "mse", "latent-mmd"], nets, judge=True, like=["vae"])
    names = ["frechet", "latent-mmd", "mse"]
    return Claim(["training", *names], [[label, *(found[label].get(name) for name in names)] for label in nets],
                 verdict([compare(found["vae"]["frechet"], found["no noise, no KL"]["frechet"])]),
                 "Without noise and KL a VAE is an autoencoder. latent-mmd: how far codes lie from the prior.")


@claim(19, "a fixed family of priors hurts", "ELBO with N(0, I) and with VampPrior, on all and on little data")
def prior_hurts(lab):
    count = 2000
    little = data.write_folder(lab.folder / "data" / "little", lambda: (
        data.fashion(lab.source(), split, count) for split in ("train", "test")), (data.SIDE, data.SIDE))
    vamp = ["--set", "prior=vamp", "--set", "pseudo_inputs=100"]
    found = trained(lab, "prior", ["elbo"], {
        "normal": ["vae"], "vamp": ["vae", *vamp], "normal, 2,000 pictures": ["vae", "--data", str(little)],
        "vamp, 2,000 pictures": ["vae", *vamp, "--data", str(little)]})
    return Claim(["prior", "test ELBO", "kl"], [[label, one["elbo"], one["kl"]] for label, one in found.items()],
                 verdict([compare(found["normal"]["elbo"], found["vamp"]["elbo"]),
                          compare(found["normal, 2,000 pictures"]["elbo"], found["vamp, 2,000 pictures"]["elbo"])]),
                 "Nats; at equal training time.")


@claim(20, "densities find outliers and classify", "AUROC against turned, faded and noisy pictures; Bayes' rule over cvae")
def finds_outliers(lab):
    pictures = data.fashion(lab.source(), "test", 1000)
    strange = {"turned": [data.rotated(row) for row in pictures], "faded": [[0.5 * x for x in row] for row in pictures],
               "noise": [[((i * 7919 + j * 104729) % 997) / 997 for j in range(784)] for i in range(1000)]}
    for name, rows in strange.items():
        data.write_folder(lab.folder / "data" / name, lambda: (rows, rows), (data.SIDE, data.SIDE))
    rows, seen = [], []
    for label, by in (("vae", "elbo"), ("vae", "reconstruction"), ("nice", "nll"), ("gan", "discriminator")):
        cells = []
        for name in strange:
            cells.append(over_seeds(lab.each(lambda seed: separation(lab, label, seed, by, name), lab.seeds)))
        rows.append([f"{label}, {by}", *cells])
        if by in ("elbo", "nll"):
            seen += [compare(0.5, cell) for cell in cells]
    run = lab.train("cvae", ["cvae"], 0, seconds=lab.seconds)
    accuracy = lab.ask("classify", run, "-n", 1000)["accuracy"]
    rows.append(["cvae by Bayes' rule: accuracy", number(accuracy), None, None])
    return Claim(["score", *strange], rows, verdict(seen),
                 "AUROC: 0.5 tells nothing apart; below it strange pictures count as the likelier, as faded ones do.")


def separation(lab, label, seed, by, name):
    found = lab.ask("score", family.run(lab, label, seed), "--by", by, "-n", 1000, "--against",
                    lab.folder / "data" / name)["against"]
    return {**found["auroc"], "n": found["usual"] + found["strange"]}


@claim(21, "an AAE takes any prior; BiGAN rebuilds the class, not the picture", "MMD of codes to each prior; class agreement against error")
def any_prior(lab):
    priors = lab.pick(["normal", "swiss-roll"], ["normal", "uniform", "mixture", "swiss-roll"])
    small = ["--set", "hidden=400,400", "--set", "discriminator_hidden=400,400", "--set", "latent=2"]
    words = {prior: ["aae", *small, "--set", f"prior={prior}"] for prior in priors}
    before = trained(lab, "aae-untrained", ["latent-mmd"], words, steps=1)
    after = trained(lab, "aae", ["latent-mmd"], words)
    rows = [[f"aae, {prior}", before[prior]["latent-mmd"], after[prior]["latent-mmd"], None, None] for prior in priors]
    table = family.table(lab)
    for label in ("bigan", "vae"):
        rows.append([label, None, None, table[label]["reconstruction-agreement"], table[label]["mse"]])
    comparisons = [compare(after[prior]["latent-mmd"], before[prior]["latent-mmd"]) for prior in priors]
    comparisons.append(compare(0.5, table["bigan"]["reconstruction-agreement"]))
    return Claim(["model", "MMD untrained", "MMD trained", "class agreement", "mse"], rows, verdict(comparisons),
                 "BiGAN keeps the class if the judge takes over half of its reconstructions for it.")


@claim(23, "the posterior's noise first falls, then grows", "mean posterior deviation over a training")
def noise_grows(lab):
    curves = lab.each(lambda seed: lab.curve(lab.train("noise-over-time", ["vae", "--set", "reports=all"], seed,
                                                       steps=lab.pick(1500, 10000)), "posterior_sigma"), lab.seeds)
    rows, seen = [], []
    for seed, curve in zip(lab.seeds, curves):
        values = [value for _, value in curve]
        least = min(range(len(values)), key=values.__getitem__)
        late = statistics.fmean(values[-3:])
        rows.append([f"seed {seed}", number(values[0]), number(values[least]), number(curve[least][0]), number(late)])
        seen.append(1 if least < 0.8 * len(values) and late > 1.02 * values[least] else -1)
    return Claim(["seed", "at first", "least", "at step", "at the end"], rows, verdict(seen),
                 "Supported if it ends over 2% above a least value that lies within the first four fifths.",
                 [("mean posterior sigma", "step", {f"seed {seed}": curve for seed, curve in zip(lab.seeds, curves)})])


@claim(24, "a naive penalty needs its ratio tuned where the KL does not", "test ELBO and Frechet distance over the ratio")
def needs_tuning(lab):
    ratios = lab.pick([0.1, 10], [0.01, 0.1, 1, 10, 100])
    words = {f"naive, ratio {ratio}": ["vae", "--set", "regulariser=naive", "--set", f"naive_ratio={ratio}"] for ratio in ratios}
    found = trained(lab, "ratio", ["elbo", "frechet"], {**words, "KL": ["vae"]}, judge=True, like=["vae"])
    worst, best = (pick((found[label]["elbo"] for label in words), key=lambda one: one["value"]) for pick in (min, max))
    return Claim(["regulariser", "elbo", "frechet"], [[label, one["elbo"], one["frechet"]] for label, one in found.items()],
                 verdict([compare(worst, best), compare(best, found["KL"]["elbo"])]),
                 "Supported if the ratio matters and no ratio reaches what the KL has without one.")


@claim(25, "the aggregate posterior meets the prior", "MMD of codes to the prior, before and after training")
def meets_prior(lab):
    before = trained(lab, "aggregate-untrained", ["latent-mmd"], {"vae": ["vae"]}, steps=1)["vae"]["latent-mmd"]
    after = family.table(lab)["vae"]["latent-mmd"]
    meets = compare(0, after) <= 0
    return Claim(["vae", "MMD"], [["untrained", before], ["trained", after]],
                 SUPPORTED if meets and compare(after, before) > 0 else (DEPENDS if compare(after, before) > 0 else REFUTED),
                 "'Depends': nearer than before, yet still told apart from the prior.")
