#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A conditional GAN of one's own whose generator is used by the average of its weights: Mirza & Osindero 2014
(arXiv:1411.1784) with the averaging of Yazici et al. 2019 (arXiv:1806.04498). examples/conditional_gan.c in Python.

usage: conditional_gan.py [epochs [data]]; trains into a run directory and draws a row of each class: conditional_gan.png
"""
import sys

import duet

LATENT, COLUMNS = 64, 10


def generate(model, z):
    generator = model.group("generator")
    h = duet.leaky_relu(duet.dense(generator, "hidden1", model.with_labels(z), 256), 0.2)
    h = duet.leaky_relu(duet.dense(generator, "hidden2", h, 512), 0.2)
    return duet.sigmoid(duet.dense(generator, "output", h, duet.features(model.batch())))


def discriminate(model, x):
    discriminator = model.group("discriminator")
    h = duet.leaky_relu(duet.dense(discriminator, "hidden1", model.with_labels(x), 512), 0.2)
    h = duet.leaky_relu(duet.dense(discriminator, "hidden2", h, 256), 0.2)
    return duet.dense(discriminator, "logit", h, 1)


def build(model):
    prior, rows = duet.prior_normal(LATENT), model.batch_size()

    model.phase("discriminator", 1)
    fake = duet.stop_gradient(generate(model, duet.prior_draw(model.graph, prior, rows)))
    on_real, on_fake = discriminate(model, model.batch()), discriminate(model, fake)
    d_loss = duet.binary_cross_entropy(on_real, 1) + duet.binary_cross_entropy(on_fake, 0)
    model.report("d_loss", d_loss)
    model.minimise(d_loss, model.group("discriminator"))

    model.phase("generator", 1)
    model.phase_share_batch()  # the classes that D has just seen
    g_loss = duet.binary_cross_entropy(discriminate(model, generate(model, duet.prior_draw(model.graph, prior, rows))), 1)
    model.report("g_loss", g_loss)
    model.minimise(g_loss, model.group("generator"))

    model.output("sample", generate(model, model.latent(prior)))


family = duet.Family("conditional-gan", build, summary="a GAN that is told the class", paper="Mirza & Osindero 2014",
                     groups=["generator", "discriminator"])


def main(epochs=10, name=None):
    settings = {"lr": 0.0002, "beta1": 0.5, "generator.average": 0.999}
    run = duet.train(family, name, epochs=int(epochs), settings=settings, progress=True)
    classes = [label for label in range(len(run.classes)) for _ in range(COLUMNS)]
    pictures = run.sample(len(classes), classes=classes, settings={"weights": "average"})
    duet.grid(pictures, COLUMNS).save("conditional_gan.png")
    print(run.directory, "conditional_gan.png")


if __name__ == "__main__":
    main(*sys.argv[1:])
