#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A model of one's own: examples/own_model.c in Python, to the same bits. A denoising auto-encoder (Vincent et al. 2008)
sees pictures with a quarter of the pixels put out and learns to restore them.

usage: own_model.py [epochs [data]]; writes own_model.png: noisy pictures above restored ones
"""
import sys

import duet

BATCH, COLUMNS = 128, 16


def restore(net, noisy, hidden):
    """The network alone, so that training and use share it: the same layer names mean the same weights."""
    h = duet.relu(duet.dense(net, "hidden", noisy, hidden))
    return duet.dense(net, "logits", h, duet.features(noisy))


def put_out(x, share):
    """Puts out each pixel with probability `share`."""
    return x * duet.less(share, duet.uniform(x.graph, x.shape))


def build(model):
    net, x = model.group("net"), model.batch()
    noisy = put_out(x, model.setting("noise"))
    logits = restore(net, noisy, int(model.setting("hidden")))
    nll = duet.batch_mean(duet.bernoulli_nll(logits, x))
    model.phase("restore", 1)
    model.report("nll", nll)
    model.minimise(nll, net)


family = duet.Family("denoising-ae", build, summary="restores noisy pictures", paper="Vincent et al. 2008", settings=[
    duet.count("hidden", 400, 1, 4096, "width of the hidden layer"),
    duet.number("noise", 0.25, 0, 1, "share of the pixels that are put out"),
])


def show(model, device, data):
    """A graph of its own over the same weights: noisy test pictures and their restoration, as one picture file."""
    store, pictures = model.store, data.read("test", 0, COLUMNS)
    graph = duet.Graph(store)
    x = duet.input(graph, "pictures", "float32", (COLUMNS, pictures[0].size))
    noisy = put_out(x, float(model.setting_text("noise")))
    restored = duet.sigmoid(restore(store.group("net"), noisy, int(model.setting_text("hidden"))))
    plan = duet.Plan(device, [noisy, restored], "restore")
    plan.write(x, pictures.reshape(COLUMNS, -1))
    plan.replay()
    shape = pictures.shape[1:]
    both = [plan.read(node).reshape(COLUMNS, *shape) for node in (noisy, restored)]
    duet.Grid(both[1], COLUMNS, originals=both[0]).save("own_model.png")
    print("own_model.png")


def main(epochs=3.0, name=None):
    device, data = duet.Device(), duet.Data(name)
    model = duet.Model(family, data, seed=1)
    trainer = duet.Trainer(device, model, BATCH)
    while trainer.epoch < float(epochs):
        trainer.step()
        if trainer.steps % trainer.steps_an_epoch == 0:
            print(f"epoch {trainer.epoch:.0f}: {trainer.losses()['nll']:.2f} nats")
    show(model, device, data)


if __name__ == "__main__":
    main(*sys.argv[1:])
