# SPDX-License-Identifier: MIT
"""Claims about the game: stability, what its losses say, and what the divergence behind them does."""
import math
import statistics

import data
from claim import Claim, claim
from evidence import DEPENDS, REFUTED, SUPPORTED, compare, deviation, number, spearman, verdict

LOG_2 = math.log(2)


@claim(7, "GAN training is unstable, VAE-GAN steadier", "failed trainings over a grid of learning rates and seeds, grid25")
def unstable(lab):
    rates = lab.pick(["0.0003", "0.001", "0.003"], ["0.0001", "0.0003", "0.001", "0.003", "0.01"])
    small = ["--set", "generator_hidden=64,64", "--set", "discriminator_hidden=64,64"]
    models = {"gan": ["gan", *small, "--set", "latent=2"],
              "vae-gan": ["vae-gan", *small, "--set", "encoder_hidden=64,64", "--set", "latent=2"],
              "vae": ["vae", "--set", "likelihood=gaussian-learned", "--set", "hidden=64,64", "--set", "latent=2"]}

    def one(label, rate, seed):
        run = lab.train(f"steady-{label}-{rate}", [*models[label], "--data", "grid25", "--set", f"lr={rate}"], seed,
                        steps=lab.pick(1500, 4000))
        return 1 - lab.evaluate(run, ["jensen-shannon"])["jensen-shannon"]["value"] / LOG_2
    triples = [(label, rate, seed) for label in models for rate in rates for seed in lab.seeds]
    scores = dict(zip(triples, lab.each(lambda triple: one(*triple), triples)))
    rows, failed = [], {}
    for label in models:
        mine = [scores[triple] for triple in triples if triple[0] == label]
        bad = sum(score <= max(mine) / 2 for score in mine)
        failed[label] = share(bad, len(mine))
        rows.append([label, failed[label], number(max(mine)), number(statistics.pstdev(mine), n=len(mine))])
    return Claim(["model", "failed share", "best score", "deviation of scores"], rows,
                 verdict([compare(failed["vae"], failed["gan"]), compare(failed["vae-gan"], failed["gan"])]),
                 "A score is 1 less the Jensen-Shannon divergence in parts of log 2; a training failed if it has half of the "
                 "best of its own model, or less.")


def share(hits, count):
    """Wilson's interval."""
    z, p = 1.96, hits / count
    scale, middle = 1 + z * z / count, p + z * z / (2 * count)
    reach = z * math.sqrt(p * (1 - p) / count + z * z / (4 * count * count))
    return number(p, (middle - reach) / scale, (middle + reach) / scale, count)


@claim(8, "a GAN's loss cannot say when it is done", "rank correlation of loss and Frechet distance over epochs")
def loss_says_nothing(lab):
    epochs = lab.pick(4, 8)
    watch = ["--watch", "frechet", "--judge", str(lab.judge())]
    losses = {"gan": "g_loss", "vae": "elbo"}

    def one(label, seed):
        run = lab.train(f"watched-{label}", [label], seed, steps=469 * epochs, more=watch)
        distances = [(line["epoch"], line["frechet"]) for line in lab.log(run) if line.get("frechet") is not None]
        told = lab.curve(run, losses[label])
        sign = -1 if label == "vae" else 1
        means = [sign * statistics.fmean(value for step, value in told if 469 * (i - 1) < step <= 469 * i)
                 for i in range(1, len(distances) + 1)]
        return distances, means
    pairs = [(label, seed) for label in losses for seed in lab.seeds]
    found = dict(zip(pairs, lab.each(lambda pair: one(*pair), pairs)))
    ranks = {label: spearman(sum((found[label, seed][1] for seed in lab.seeds), []),
                             sum(([y for _, y in found[label, seed][0]] for seed in lab.seeds), []))
             for label in losses}
    curves = [("Frechet distance", "epoch", {label: found[label, lab.seeds[0]][0] for label in losses}),
              ("loss (of the VAE -ELBO / 100)", "epoch",
               {label: [(i + 1, y / (100 if label == "vae" else 1)) for i, y in enumerate(found[label, lab.seeds[0]][1])]
                for label in losses})]
    says = SUPPORTED if compare(ranks["gan"], 0.5) > 0 else (
        REFUTED if compare(0, ranks["gan"]) > 0 else DEPENDS)
    return Claim(["model", "rank correlation of loss and distance"], [[label, ranks[label]] for label in losses], says,
                 "1: the loss falls whenever the distance does. Supported if the GAN's lies below 0.5, not supported if "
                 "above 0, each with its interval.", curves)


@claim(9, "too good a discriminator starves the generator", "norm of G's gradient against D's accuracy, by loss")
def starves(lab):
    rows, found = [], {}
    losses, strengths = ("minimax", "non-saturating"), (1, 5)

    def one(loss, k, seed):
        words = ["gan", "--data", "ring8", "--set", f"loss={loss}", "--set", f"k={k}", "--set", "gradient_norms=yes",
                 "--set", "generator_hidden=128,128", "--set", "discriminator_hidden=128,128", "--set", "discriminator.lr=0.001"]
        run = lab.train(f"starve-{loss}-{k}", words, seed, steps=lab.pick(1000, 3000))
        log = [line for line in lab.log(run) if "accuracy" in line]
        return [line["accuracy"] for line in log], [line["gradient.generator"] for line in log]
    triples = [(loss, k, seed) for loss in losses for k in strengths for seed in lab.seeds]
    results = dict(zip(triples, lab.each(lambda triple: one(*triple), triples)))
    for loss in losses:
        accuracy, norm = [], []
        for k in strengths:
            for seed in lab.seeds:
                accuracy += results[loss, k, seed][0]
                norm += results[loss, k, seed][1]
        found[loss] = spearman(accuracy, norm)
        high = [value for right, value in zip(accuracy, norm) if right > 0.95]
        usual = [value for right, value in zip(accuracy, norm) if right < 0.8]
        rows.append([loss, found[loss], number(statistics.median(high), n=len(high)) if high else None,
                     number(statistics.median(usual), n=len(usual)) if usual else None])
    return Claim(["loss", "rank correlation of accuracy and norm", "median norm, accuracy > 0.95",
                  "median norm, accuracy < 0.8"], rows,
                 verdict([compare(found["minimax"], 0), compare(found["minimax"], found["non-saturating"])]),
                 "Below 0: the better D, the weaker what G is told.")


@claim(10, "on few samples D reads log 2, and annealed noise cures it", "D's own estimate of the divergence, training and held out")
def reads_log_two(lab):
    length, pictured = lab.pick(700, 3000), lab.pick(200, 1500)
    # Training examples (None: endless), deviation of a peak (None: pictures), widths of D, annealed noise.
    trials = {"200 points": (200, 0.5, "128,128", False), "200 points, small D": (200, 0.5, "8", False),
              "200 points, narrow peaks": (200, 0.05, "128,128", False), "200 points, noise": (200, 0.5, "128,128", True),
              "2,000 points": (2000, 0.5, "128,128", False), "endless points": (None, 0.5, "128,128", False),
              "200 pictures": (200, None, "256", False), "200 pictures, noise": (200, None, "256", True),
              "20,000 pictures": (20000, None, "256", False)}

    def one(label, seed):
        count, sigma, hidden, noisy = trials[label]
        steps = length if sigma else pictured
        words = ["gan", "--data", str(few(lab, count, sigma)), "--set", f"discriminator_hidden={hidden}", "--set",
                 f"generator_hidden={'64,64' if sigma else '256'}", "--set", "k=5", "--set", "discriminator.lr=0.001"]
        if noisy:
            words += ["--set", "instance_noise=1", "--set", f"instance_noise_steps={steps * 4 // 5}"]
        run = lab.train("read-" + label.replace(" ", "-").replace(",", ""), words, seed, steps=steps)
        found = lab.evaluate(run, ["jensen-shannon-discriminator"])
        if sigma == 0.5:
            found.update(lab.evaluate(run, ["jensen-shannon"], None, ["--data", "two-peaks"]))
        return found
    found = lab.by_seed(trials, one)
    names = ["jensen-shannon", "jensen-shannon-discriminator", "jensen-shannon-discriminator-training"]
    trained = {label: found[label][names[2]] for label in trials}
    nearly = 0.9 * LOG_2
    return Claim(["training data", "by quadrature (nats)", "D, held out", "D, training examples"],
                 [[label] + [found[label].get(name) for name in names] for label in trials],
                 verdict([compare(nearly, trained["200 points"]), compare(nearly, trained["200 pictures"]),
                          compare(trained["200 points, noise"], trained["200 points"]),
                          compare(trained["200 pictures, noise"], trained["200 pictures"])]),
                 f"log 2 = {LOG_2:.3f} nats is the largest there is: no overlap. 'Reads log 2' is taken for: over nine tenths "
                 "of it. The gap between training examples and held-out ones is what D learnt by heart.")


def few(lab, count, sigma):
    """So many examples for training: points in two peaks, or pictures where there is no sigma."""
    if count is None:
        return "two-peaks"
    if sigma is None:
        return data.write_folder(lab.folder / "data" / f"pictures-{count}", lambda: (
            again(data.fashion(lab.source(), "train", count)), data.fashion(lab.source(), "test", 1000)),
            (data.SIDE, data.SIDE))
    return data.write_folder(lab.folder / "data" / f"peaks-{count}-{sigma}", lambda: (
        again(data.two_peaks(count, sigma, 1)), data.two_peaks(1000, sigma, 2)), (1,))


def again(rows, length=20000):
    """The same rows again and again: an epoch of a few would end, and save, at every step."""
    return rows * (length // len(rows))


@claim(11, "reverse KL drops modes, forward KL covers", "a Gaussian fitted to two peaks by each objective")
def reverse_drops(lab):
    objectives = {"forward KL": "f-kl", "reverse KL": "f-reverse-kl", "Jensen-Shannon": "f-js"}

    def one(label, seed):
        if label == "maximum likelihood":
            words = ["mixture", "--data", "two-peaks", "--set", "components=1"]
        else:
            words = ["gan", "--data", "two-peaks", "--set", "generator_hidden=", "--set", "latent=1", "--set",
                     "discriminator_hidden=64,64", "--set", f"loss={objectives[label]}", "--set", "k=5", "--set",
                     "discriminator.lr=0.001", "--set", "generator.lr=0.0005"]
        run = lab.train("fit-" + label.replace(" ", "-").lower(), words, seed, steps=lab.pick(2000, 6000))
        path = lab.folder / "data" / f"fit-{label.replace(' ', '-').lower()}-{seed}.npy"
        lab.ask("sample", run, "-n", 2000, "--out", path)
        values = list(data.read_npy(path)[1])
        return {"mean": number(abs(statistics.fmean(values)), n=2000), "width": deviation(values)}
    found = lab.by_seed([*objectives, "maximum likelihood"], one)
    return Claim(["objective", "distance of the mean from the middle", "deviation"],
                 [[label, it["mean"], it["width"]] for label, it in found.items()],
                 verdict([compare(found["reverse KL"]["width"], 1), compare(1, found["forward KL"]["width"])]),
                 "Both peaks together have mean 0 and deviation 2.06; one of them lies 2 from the middle with 0.5.")


@claim(26, "G moved too far between D's updates undoes itself",
       "the game's value before and after G's moves against a D that stands still, and after D's answer, two peaks")
def undoes_itself(lab):
    moves, trained, answer = lab.pick([0, 1, 10, 100], [0, 1, 10, 100, 1000]), lab.pick(1000, 3000), 50
    alone = {"generator": ["--set", "discriminator.lr=1e-12"],
             "discriminator": ["--set", "generator.lr=1e-12", "--set", "discriminator.lr=0.001"]}
    metrics = ["jensen-shannon", "jensen-shannon-discriminator"]

    def one(move, seed):
        run = lab.train("far", ["gan", "--data", "two-peaks", "--set", "generator_hidden=64,64", "--set", "k=5", "--set",
                                "discriminator_hidden=128,128", "--set", "lr=0.001"], seed, steps=trained)
        if move > 0:
            run = lab.go_on(run, f"far-{move}", trained + move, alone["generator"])
        before = lab.evaluate(run, metrics)
        run = lab.go_on(run, f"far-{move}-answered", trained + move + answer, alone["discriminator"])
        after = lab.evaluate(run, metrics[1:])
        return {"truth": before[metrics[0]], "read": before[metrics[1]], "answered": after[metrics[1]]}
    found = lab.by_seed(moves, one)
    first, last = found[moves[0]], found[moves[-1]]
    return Claim(["G's steps alone", "divergence by quadrature (nats)", "as D reads it then", f"after {answer} steps of D alone"],
                 [[str(move), *(found[move][name] for name in ("truth", "read", "answered"))] for move in moves],
                 verdict([compare(first["truth"], last["truth"]), compare(first["answered"], last["answered"])]),
                 "The game's value is twice a reading less log 4. G's moves lower it for the D that stands still (below 0 that D "
                 "has become worse than a coin); 'supported' where the longest of them raises the divergence itself, and D's "
                 "answer gives G a worse value than it had before.")
