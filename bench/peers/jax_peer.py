# SPDX-License-Identifier: MIT
"""JAX on the CPU: twenty steps in one jitted lax.scan, data and sampling inside. The fastest peer on dense models."""
import common

import jax
import jax.numpy as jnp
import numpy as np
import optax

WORKLOAD, BATCH, SECONDS = common.arguments()
STEPS = 20
PICTURES = jnp.asarray(common.pictures())
KEYS = iter(jax.random.split(jax.random.PRNGKey(0), 64))
softplus = jax.nn.softplus


def layer(inputs, outputs):
    weight = jax.random.uniform(next(KEYS), (inputs, outputs), minval=-1, maxval=1) / np.sqrt(inputs)
    return {"w": weight, "b": jnp.zeros(outputs)}


def layers(*sizes):
    return [layer(i, o) for i, o in zip(sizes, sizes[1:])]


def dense(p, x):
    return x @ p["w"] + p["b"]


def mlp(net, x, activation):
    for p in net[:-1]:
        x = activation(dense(p, x))
    return dense(net[-1], x)


def bernoulli_nll(logits, x):
    return jnp.sum(softplus(logits) - logits * x)


def draw(key):
    return PICTURES[jax.random.randint(key, (BATCH,), 0, len(PICTURES))].astype(jnp.float32) / 255


def mlpvae():
    p = {"hidden": layer(784, 400), "mean": layer(400, 20), "logvar": layer(400, 20), "decoder": layers(20, 400, 784)}

    def loss(p, x, key):
        h = jax.nn.relu(dense(p["hidden"], x))
        mean, logvar = dense(p["mean"], h), dense(p["logvar"], h)
        z = mean + jax.random.normal(key, mean.shape) * jnp.exp(0.5 * logvar)
        kl = -0.5 * jnp.sum(1 + logvar - mean * mean - jnp.exp(logvar))
        return (bernoulli_nll(mlp(p["decoder"], z, jax.nn.relu), x) + kl) / BATCH

    return minimise(p, loss)


def made():
    p = {"hidden": layer(784, 500), "logits": layer(500, 784)}
    inputs, seen = np.arange(784), np.arange(500) % 783
    into = jnp.asarray((inputs[:, None] <= seen[None]).astype("f"))
    out_of = jnp.asarray((seen[:, None] < inputs[None]).astype("f"))

    def loss(p, x, key):
        x = (jax.random.uniform(key, x.shape) < x).astype(jnp.float32)
        h = jax.nn.relu(x @ (p["hidden"]["w"] * into) + p["hidden"]["b"])
        return bernoulli_nll(h @ (p["logits"]["w"] * out_of) + p["logits"]["b"], x) / BATCH

    return minimise(p, loss)


def nice():
    p = {"couplings": [layers(392, *[1000] * 5, 392) for _ in range(4)], "log_scale": jnp.zeros(784)}

    def loss(p, x, key):
        x = (x * 255 + jax.random.uniform(key, x.shape)) / 256
        a, b = x[:, 0::2], x[:, 1::2]
        for i, net in enumerate(p["couplings"]):
            if i % 2 == 0:
                b = b + mlp(net, a, jax.nn.relu)
            else:
                a = a + mlp(net, b, jax.nn.relu)
        h = jnp.concatenate([a, b], 1) * jnp.exp(p["log_scale"])
        return jnp.sum(softplus(h) + softplus(-h)) / BATCH - jnp.sum(p["log_scale"])

    return minimise(p, loss)


def minimise(p, loss):
    """State and step of a model with one loss."""
    adam = optax.adam(1e-3)

    def step(state, key):
        p, moments = state
        batch_key, noise_key = jax.random.split(key)
        value, gradient = jax.value_and_grad(loss)(p, draw(batch_key), noise_key)
        update, moments = adam.update(gradient, moments, p)
        return (optax.apply_updates(p, update), moments), value

    return (p, adam.init(p)), step


def mlpgan():
    generator, discriminator = layers(64, 256, 512, 784), layers(784, 512, 256, 1)
    adam = optax.adam(2e-4, b1=0.5)

    def leaky_relu(x):
        return jax.nn.leaky_relu(x, 0.2)

    def generate(g, key):
        return jax.nn.sigmoid(mlp(g, jax.random.normal(key, (BATCH, 64)), leaky_relu))

    def on_real(d, x):
        return jnp.sum(softplus(-mlp(d, x, leaky_relu))) / BATCH

    def on_fake(d, x):
        return jnp.sum(softplus(mlp(d, x, leaky_relu))) / BATCH

    def step(state, key):
        g, d, g_moments, d_moments = state
        batch_key, d_key, g_key = jax.random.split(key, 3)
        real, fake = draw(batch_key), generate(g, d_key)
        loss, gradient = jax.value_and_grad(lambda d: on_real(d, real) + on_fake(d, fake))(d)
        update, d_moments = adam.update(gradient, d_moments, d)
        d = optax.apply_updates(d, update)
        gradient = jax.grad(lambda g: on_real(d, generate(g, g_key)))(g)
        update, g_moments = adam.update(gradient, g_moments, g)
        return (optax.apply_updates(g, update), d, g_moments, d_moments), loss

    return (generator, discriminator, adam.init(generator), adam.init(discriminator)), step


state, step = {"mlpvae": mlpvae, "mlpgan": mlpgan, "made": made, "nice": nice}[WORKLOAD]()
scan = jax.jit(lambda state, key: jax.lax.scan(step, state, jax.random.split(key, STEPS)), donate_argnums=0)
blocks = 0


def block():
    global state, blocks
    state, losses = scan(state, jax.random.PRNGKey(blocks))
    blocks += 1
    return float(losses.mean())


common.measure("jax", WORKLOAD, BATCH, SECONDS, block, STEPS)
