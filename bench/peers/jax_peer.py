# SPDX-License-Identifier: MIT
"""JAX on the CPU: twenty steps in one jitted lax.scan, data and sampling inside. The fastest peer on dense models."""
import common

import math

import jax
import jax.numpy as jnp
import numpy as np
import optax

WORKLOAD, BATCH, SECONDS = common.arguments()
STEPS = 20
PICTURES = jnp.asarray(common.pictures())
KEYS = iter(jax.random.split(jax.random.PRNGKey(0), 128))
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


def glorot(*shape):
    """Weights as Duet's convolutions have them at first, and a bias of zeros."""
    taps = math.prod(shape[:-2])
    bound = math.sqrt(6 / (taps * (shape[-2] + shape[-1])))
    return {"w": jax.random.uniform(next(KEYS), shape, minval=-bound, maxval=bound), "b": jnp.zeros(shape[-1])}


def silent(*shape):
    return {"w": jnp.zeros(shape), "b": jnp.zeros(shape[-1])}


def conv(p, x, stride=1, padding="SAME"):
    """Channels last; weights [height, width, in, out]."""
    return jax.lax.conv_general_dilated(x, p["w"], (stride, stride), padding,
                                        dimension_numbers=("NHWC", "HWIO", "NHWC")) + p["b"]


def flow():
    alpha, width = 0.001, 32

    def coupling(channels):
        return {"enter": glorot(3, 3, channels, width), "output": silent(width, 2 * channels),
                "blocks": [(glorot(3, 3, width, width), glorot(width, width)) for _ in range(2)],
                "bound": jnp.full(channels, 2.0)}

    def couple(p, x, other):
        h = conv(p["enter"], other)
        for inner, outer in p["blocks"]:
            h = h + dense(outer, jax.nn.relu(conv(inner, jax.nn.relu(h))))
        s, t = jnp.split(dense(p["output"], jax.nn.relu(h)), 2, -1)
        s = p["bound"] * jnp.tanh(s)
        return x * jnp.exp(s) + t, jnp.sum(s)

    def loss(p, x, key):
        x = (x * 255 + jax.random.uniform(key, x.shape)) * ((1 - 2 * alpha) / 256) + alpha
        log_x, log_rest = jnp.log(x), jnp.log1p(-x)
        log_determinant = 784 * BATCH * math.log(1 - 2 * alpha) - jnp.sum(log_x + log_rest)
        x, log_density = (log_x - log_rest).reshape(-1, 28, 28, 1), 0
        for couplings in p:
            upper, lower = x[:, 0::2], x[:, 1::2]
            a = jnp.concatenate([upper[:, :, 0::2], lower[:, :, 1::2]], -1)
            b = jnp.concatenate([upper[:, :, 1::2], lower[:, :, 0::2]], -1)
            for i, net in enumerate(couplings):
                if i == 3:  # from the colours of a chessboard to halves of the channels
                    (a, d), (b, c) = jnp.split(a, 2, -1), jnp.split(b, 2, -1)
                    a, b = jnp.concatenate([a, b], -1), jnp.concatenate([c, d], -1)
                if i % 3 % 2 == 0:
                    b, s = couple(net, b, a)
                else:
                    a, s = couple(net, a, b)
                log_determinant += s
            log_density -= 0.5 * jnp.sum(a * a)
            x = b
        log_density -= 0.5 * jnp.sum(x * x) + 392 * BATCH * math.log(2 * math.pi)
        return -(log_density + log_determinant) / BATCH

    return minimise([[coupling(channels) for _ in range(6)] for channels in (2, 4)], loss, 2e-3)


def pixelcnn():
    width, both, inputs = 16, 32, [1, 16, 16, 16, 16, 16]
    p = {"layers": [{"vertical": glorot(2 if i else 3, 3 if i else 7, n, both), "across": glorot(both, both),
                     "horizontal": glorot(1, 2 if i else 4, n, both), "residual": glorot(width, width)}
                    for i, n in enumerate(inputs)], "last": glorot(width, width), "outputs": glorot(width, 1)}
    before = jnp.asarray([1.0, 1, 1, 0]).reshape(1, 4, 1, 1)

    def gated(x):
        a, b = jnp.split(x, 2, -1)
        return jnp.tanh(a) * jax.nn.sigmoid(b)

    def loss(p, x, key):
        x = (jax.random.uniform(key, x.shape) < x).astype(jnp.float32).reshape(-1, 28, 28, 1)
        v, h = x[:, :-1], x
        for i, layer in enumerate(p["layers"]):
            down = conv(layer["vertical"], v, padding=[(1, 0), (1, 1)] if i else [(3, 0), (3, 3)])
            v, right = gated(down), layer["horizontal"]
            if i == 0:
                right = {"w": right["w"] * before, "b": right["b"]}
            right = conv(right, h, padding=[(0, 0), (1, 0) if i else (3, 0)])
            y = dense(layer["residual"], gated(right + dense(layer["across"], down)))
            h = h + y if i else y
        h = dense(p["last"], jax.nn.relu(h))
        return bernoulli_nll(dense(p["outputs"], jax.nn.relu(h)), x) / BATCH

    return minimise(p, loss)


def unet():
    width, told = 16, 64
    frequency = jnp.exp(jnp.arange(width // 2) * (-math.log(1e4) / (width // 2)))

    def norm(channels):
        return {"scale": jnp.ones(channels), "offset": jnp.zeros(channels)}

    def group_norm(p, x):
        groups = min(8, x.shape[-1] // 4)
        y = x.reshape(len(x), -1, groups, x.shape[-1] // groups)
        mean = jnp.mean(y, (1, 3), keepdims=True)
        y = (y - mean) * jax.lax.rsqrt(jnp.mean((y - mean) ** 2, (1, 3), keepdims=True) + 1e-5)
        return y.reshape(x.shape) * p["scale"] + p["offset"]

    def residual(inputs, outputs):
        p = {"norm1": norm(inputs), "norm2": norm(outputs), "conv1": glorot(3, 3, inputs, outputs),
             "conv2": silent(3, 3, outputs, outputs), "told": glorot(told, 2 * outputs)}
        return p if inputs == outputs else {**p, "through": glorot(inputs, outputs)}

    def block(p, x, time):
        scale, shift = jnp.split(dense(p["told"], time)[:, None, None], 2, -1)
        h = group_norm(p["norm2"], conv(p["conv1"], jax.nn.silu(group_norm(p["norm1"], x))))
        h = conv(p["conv2"], jax.nn.silu(h * (1 + scale) + shift))
        return h + (dense(p["through"], x) if "through" in p else x)

    def attend(p, x):
        places = group_norm(p["norm"], x).reshape(len(x), -1, x.shape[-1])
        query, key, value = (dense(p[name], places) for name in ("query", "key", "value"))
        scores = jnp.einsum("bic,bjc->bij", query, key) / math.sqrt(x.shape[-1])
        seen = jnp.einsum("bij,bjc->bic", jax.nn.softmax(scores), value)
        return x + dense(p["output"], seen).reshape(x.shape)

    def enlarged(x):
        return jnp.repeat(jnp.repeat(x, 2, 1), 2, 2)

    w = width
    p = {"time": [glorot(w, told), glorot(told, told)], "input": glorot(3, 3, 1, w),
         "down": [residual(w, w), residual(2 * w, 2 * w)],
         "shrink": [glorot(3, 3, w, 2 * w), glorot(3, 3, 2 * w, 4 * w)],
         "middle": [residual(4 * w, 4 * w), residual(4 * w, 4 * w)],
         "attention": {"norm": norm(4 * w), **{name: glorot(4 * w, 4 * w) for name in ("query", "key", "value")},
                       "output": silent(4 * w, 4 * w)},
         "grow": [glorot(3, 3, 4 * w, 2 * w), glorot(3, 3, 2 * w, w)],
         "up": [residual(4 * w, 2 * w), residual(2 * w, w)], "norm": norm(w), "output": silent(3, 3, w, 1)}

    def velocity(p, x, time):
        angle = 1000 * time * frequency
        time = jnp.concatenate([jnp.sin(angle), jnp.cos(angle)], 1)
        for layer in p["time"]:
            time = jax.nn.silu(dense(layer, time))
        h, kept = conv(p["input"], x.reshape(-1, 28, 28, 1)), []
        for net, shrink in zip(p["down"], p["shrink"]):
            kept.append(block(net, h, time))
            h = conv(shrink, kept[-1], 2)
        h = block(p["middle"][1], attend(p["attention"], block(p["middle"][0], h, time)), time)
        for grow, net in zip(p["grow"], p["up"]):
            h = block(net, jnp.concatenate([conv(grow, enlarged(h)), kept.pop()], -1), time)
        return conv(p["output"], jax.nn.silu(group_norm(p["norm"], h))).reshape(x.shape)

    def loss(p, x, key):
        noise_key, time_key = jax.random.split(key)
        noise, time = jax.random.normal(noise_key, x.shape), jax.random.uniform(time_key, (BATCH, 1))
        along = 2 * x - 1 - noise
        return jnp.sum((velocity(p, noise + time * along, time) - along) ** 2) / BATCH

    return minimise(p, loss, average=0.999)


def minimise(p, loss, rate=1e-3, average=0):
    """State and step of a model with one loss; `average`: the decay of an average of the weights, kept beside them."""
    adam = optax.adam(rate)

    def step(state, key):
        p, moments, averages, steps = state
        batch_key, noise_key = jax.random.split(key)
        value, gradient = jax.value_and_grad(loss)(p, draw(batch_key), noise_key)
        update, moments = adam.update(gradient, moments, p)
        p, steps = optax.apply_updates(p, update), steps + 1
        decay = jnp.minimum(average, (1 + steps) / (10 + steps))
        averages = jax.tree.map(lambda kept, new: kept + (1 - decay) * (new - kept), averages, p) if average else None
        return (p, moments, averages, steps), value

    return (p, adam.init(p), jax.tree.map(jnp.copy, p) if average else None, 0), step


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


state, step = {"mlpvae": mlpvae, "mlpgan": mlpgan, "made": made, "nice": nice, "flow": flow, "pixelcnn": pixelcnn,
               "unet": unet}[WORKLOAD]()
scan = jax.jit(lambda state, key: jax.lax.scan(step, state, jax.random.split(key, STEPS)), donate_argnums=0)
blocks = 0


def block():
    global state, blocks
    state, losses = scan(state, jax.random.PRNGKey(blocks))
    blocks += 1
    return float(losses.mean())


common.measure("jax", WORKLOAD, BATCH, SECONDS, block, STEPS)
