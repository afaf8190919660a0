# SPDX-License-Identifier: MIT
"""Claims about pictures and quality: what samples look like, what they cover, what they cost."""
import data
import family
from claim import Claim, claim
from evidence import compare, number, over_seeds, spearman, verdict

DENSE, CONVOLUTIONAL = ("vae", "gan"), ("vae-conv", "gan-conv")
PAIRS = (DENSE, CONVOLUTIONAL)


def rows_of(table, labels, metrics):
    return [[label] + [table[label].get(metric) for metric in metrics] for label in labels]


@claim(1, "VAE pictures are blurrier", "Laplacian energy of samples over that of the data")
def blurrier(lab):
    table = family.table(lab)
    energy = {label: table[label]["sharpness"] for label in DENSE + CONVOLUTIONAL}
    return Claim(["model", "sharpness", "frechet"], rows_of(table, DENSE + CONVOLUTIONAL, ["sharpness", "frechet"]),
                 verdict([compare(energy[vae], energy[gan]) for vae, gan in PAIRS]),
                 "1 is as sharp as the data; noise counts as sharp too, so the Frechet distance stands beside it.")


@claim(2, "... because VAEs train on a bound", "sharpness and Frechet distance over the k of IWAE's tighter bound; NICE")
def because_of_the_bound(lab):
    bounds = lab.pick([1, 5], [1, 5, 50])

    def one(k, seed):
        run = lab.train(f"vae-k{k}", ["vae", "--set", f"k={k}"], seed, seconds=lab.sweep_seconds)
        return lab.evaluate(run, ["sharpness", "frechet", "elbo"], lab.judge())
    found = lab.by_seed(bounds, one)
    nice = family.table(lab)["nice"]
    rows = [[f"vae, k = {k}", *(found[k][name] for name in ("sharpness", "frechet", "elbo"))] for k in bounds]
    rows.append(["nice, exact", nice["sharpness"], nice["frechet"], None])
    return Claim(["model", "sharpness", "frechet", "elbo"], rows,
                 verdict([compare(found[bounds[0]]["sharpness"], found[bounds[-1]]["sharpness"])]),
                 "If the bound were the cause, a tighter one would sharpen. NICE has no bound at all.")


@claim(3, "... because of the error that they minimise", "one net, four measures of error")
def because_of_the_error(lab):
    nets = {"squared error": ["vae", "--set", "likelihood=gaussian"],
            "cross entropy": ["vae", "--set", "likelihood=bernoulli"],
            "learned sigma": ["vae", "--set", "likelihood=gaussian-learned"],
            "pixels, and a game": ["vae-gan", "--set", "recon=pixels"],
            "D's features, and a game": ["vae-gan", "--set", "recon=features"]}

    def one(label, seed):
        run = lab.train("error-" + label.replace(" ", "-").replace("'", "").replace(",", ""), nets[label], seed,
                        seconds=lab.sweep_seconds, like=nets[label][:1])
        return lab.evaluate(run, ["sharpness", "frechet", "mse"], lab.judge())
    found, names = lab.by_seed(nets, one), ("sharpness", "sharpness-reconstruction", "frechet", "mse")
    squared, features = found["squared error"], found["D's features, and a game"]
    return Claim(["error", *names], [[label, *(found[label][name] for name in names)] for label in nets],
                 verdict([compare(squared["sharpness"], features["sharpness"]),
                          compare(squared["sharpness-reconstruction"], features["sharpness-reconstruction"])]),
                 "Means of p(x | z) are shown and measured, not draws from it, which are its mean and grain.")


@claim(4, "GAN quality is far higher", "Frechet and kernel distance, precision")
def far_higher(lab):
    table = family.table(lab)
    comparisons = []
    for vae, gan in PAIRS:
        comparisons += [compare(table[gan][name], table[vae][name]) for name in ("frechet", "kernel-distance")]
        comparisons.append(compare(table[vae]["precision"], table[gan]["precision"]))
    names = ["frechet", "kernel-distance", "precision"]
    return Claim(["model", *names], rows_of(table, DENSE + CONVOLUTIONAL, names), verdict(comparisons),
                 "At the same training time on the same cores, judged by one classifier's features.")


@claim(5, "a GAN covers more modes, or collapses", "modes of ring8 and grid25; recall and coverage; class balance")
def covers(lab):
    models = {"gan": ["gan"], "gan, stable": ["gan", "--set", "preset=stable"],
              "vae": ["vae", "--set", "likelihood=gaussian-learned", "--set", "latent=2"],
              "realnvp": ["realnvp", "--set", "hidden=64,64"]}
    rows, modes = [], {}
    for data_set in ("ring8", "grid25"):
        def one(label, seed):
            run = lab.train(f"modes-{data_set}-{label.replace(', ', '-')}", [*models[label], "--data", data_set], seed,
                            seconds=lab.pick(5, 20))
            return lab.evaluate(run, ["modes"])
        for label, found in lab.by_seed(models, one).items():
            modes[data_set, label] = found["modes"]
            rows.append([f"{label} on {data_set}", found["modes"], found["high-quality"], None, None, None])
    table = family.table(lab)
    for label in DENSE + CONVOLUTIONAL:
        rows.append([f"{label} on pictures", None, None,
                     *(table[label][name] for name in ("recall", "coverage", "largest-share"))])
    comparisons = [compare(modes[name, "vae"], modes[name, "gan"]) for name in ("ring8", "grid25")]
    comparisons += [compare(table[vae]["coverage"], table[gan]["coverage"]) for vae, gan in PAIRS]
    return Claim(["model", "modes", "high-quality", "recall", "coverage", "largest-share"], rows, verdict(comparisons),
                 "'Supported' means: more modes and more coverage than the VAE. Collapse is the plain GAN's row.")


@claim(6, "likelihood models put density off the data", "precision; nearest neighbours; share of samples on a mode")
def off_the_data(lab):
    table = family.table(lab)
    labels = [label for label in ("vae", "nice", "made", "gan", "gan-conv") if label in table]
    names = ["precision", "density", "memorisation"]
    comparisons = [compare(table[label]["precision"], table["gan-conv"]["precision"])
                   for label in ("vae", "nice", "made") if label in table]
    return Claim(["model", *names], rows_of(table, labels, names), verdict(comparisons),
                 "Precision is the share of samples inside the data's balls. A VAE's sample is a mean, which lies safely "
                 "inside; the densities of flows and autoregressive nets are drawn from whole.")


@claim(13, "the inception score follows quality, but can be fooled", "its rank correlation with the Frechet distance; an attack")
def fooled(lab):
    table = family.table(lab)
    both = [(label, table[label]["inception-score"], table[label]["frechet"]) for label in table
            if table[label].get("inception-score") and table[label].get("frechet")]
    agrees = spearman([-score["value"] for _, score, _ in both], [distance["value"] for *_, distance in both])
    pictures = lab.folder / "data" / "attack.npy"
    lab.ask("sample", lab.judge(), "-n", 2500, "--set", f"steps={lab.pick(40, 100)}", "--set", "rate=0.1", "--out", pictures)

    def instead(samples):
        return lab.evaluate(family.run(lab, "gan", lab.seeds[0]), ["inception-score", "frechet"], lab.judge(),
                            ["--samples", samples])
    real, attack = instead("fashion-mnist"), instead(pictures)
    rows = [[label, score, distance] for label, score, distance in both]
    for label, one in (("training examples", real), ("pictures made against the judge", attack)):
        rows.append([label, one["inception-score"], one["frechet"]])
    rows.append(["rank correlation of the score with less distance", agrees, None])
    nearest = min((distance for *_, distance in both), key=lambda one: one["value"])
    return Claim(["samples", "inception-score", "frechet"], rows,
                 verdict([compare(0, agrees), compare(real["inception-score"], attack["inception-score"]),
                          compare(nearest, attack["frechet"])]),
                 "Supported if the score falls with distance over the models, and noise that climbed the judge's own logits scores "
                 "above real pictures while it lies further off than the best model.")


@claim(17, "VAEs miss global structure", "Frechet distance of 7 x 7 means and of 7 x 7 patches")
def global_structure(lab):
    source, count = lab.source(), 2500

    def features(kind, pictures):
        path = lab.folder / "data" / f"{kind}.npy"
        make = data.pooled if kind.startswith("far") else (lambda picture: data.patch(picture, 10))
        rows = [make(picture) for picture in pictures]
        return data.write_npy(path, rows, (len(rows), len(rows[0])))
    real = data.fashion(source, "test", count)
    references = {kind: features(f"{kind}-real", real) for kind in ("far", "near")}
    rows, found = [], {}
    for label in DENSE + CONVOLUTIONAL:
        by_kind = {"far": [], "near": []}
        for seed in lab.seeds:
            run = family.run(lab, label, seed)
            path = lab.folder / "data" / f"samples-{label}-{seed}.npy"
            lab.ask("sample", run, "-n", count, "--out", path)
            pictures = data.rows_of(path)
            for kind in by_kind:
                mine = features(f"{kind}-{label}-{seed}", pictures)
                by_kind[kind].append(lab.ask("eval", run, "--metric", "frechet", "--features", mine, "--features",
                                             references[kind])["metrics"]["frechet"])
        found[label] = {kind: over_seeds(by_kind[kind]) for kind in by_kind}
        rows.append([label, found[label]["far"], found[label]["near"]])
    return Claim(["model", "from afar (7 x 7 means)", "close by (7 x 7 patch)"], rows,
                 verdict([compare(found[gan]["far"], found[vae]["far"]) for vae, gan in PAIRS]),
                 "'Supported' where the VAE is the worse of a pair as seen from afar. Squared grey levels.")


@claim(18, "VAEs are faster and lighter, flows dearest", "time of a step, parameters, Frechet distance at equal time")
def dearest(lab):
    table = family.table(lab)
    rows, steps = [], {}
    for label in family.members(lab):
        took = 1000 * lab.step_seconds(family.words_of(label))
        steps[label] = number(took, 0.9 * took, 1.1 * took)
        cost = lab.parameters(family.run(lab, label, lab.seeds[0]))
        rows.append([label, steps[label], number(cost), table[label].get("frechet")])
    flow = "realnvp" if lab.full else "nice"
    return Claim(["model", "ms a step", "parameters", "frechet at equal time"], rows,
                 verdict([compare(steps["vae"], steps["gan"]), compare(steps["vae-conv"], steps["gan-conv"]),
                          compare(steps["gan"], steps[flow])]),
                 "On one core of this machine, taken to be right to a tenth; the nets are each paper's size, not equal.")


@claim(22, "what came after (flow matching, diffusion) ends the argument", "Frechet distance at equal training and sampling time")
def after(lab):
    table = family.table(lab)
    labels = [label for label in ("gan-conv", "vae-conv", "flow-matching", "ddpm") if label in table]
    rows = [[label, table[label]["frechet"], table[label]["precision"], table[label]["recall"]] for label in labels]
    few = over_seeds(lab.each(lambda seed: lab.evaluate(family.run(lab, "flow-matching", seed), ["frechet"], lab.judge(),
                                                        ["--set", "steps=2"])["frechet"], lab.seeds))
    rows.append(["flow-matching, 2 solver steps", few, None, None])
    best = table["gan-conv"]["frechet"]
    return Claim(["model", "frechet", "precision", "recall"], rows,
                 verdict([compare(table["flow-matching"]["frechet"], best), compare(few, best)]),
                 "Two solver steps are about what a GAN's one pass costs.")
