# SPDX-License-Identifier: MIT
"""PyTorch: eager with the fused Adam, which is its fastest way on CPUs. TORCH_MODE=eager, compile or graph (a CUDA graph)
for others, TORCH_DEVICE=cuda for a GPU, where losses are read every twenty steps and products are in float32 proper.

Started as torchrun starts processes (RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT), they train together by
DistributedDataParallel over gloo; the batch is that of each. Its batch norm takes the statistics of a process's own rows."""
import common

import math
import os
import sys

import torch
from torch import nn
from torch.nn import functional as F

WORKLOAD, BATCH, SECONDS = common.arguments()
MODE = os.environ.get("TORCH_MODE", "fused")
DEVICE = os.environ.get("TORCH_DEVICE", "cpu")
STEPS_A_BLOCK = 1 if DEVICE == "cpu" else 20
PROCESSES = int(os.environ.get("WORLD_SIZE", 1))
torch.set_num_threads(common.THREADS)
torch.set_default_device(DEVICE)
torch.backends.cuda.matmul.allow_tf32 = False
torch.backends.cudnn.allow_tf32 = False
torch.backends.cudnn.benchmark = True
if PROCESSES > 1:
    torch.distributed.init_process_group("gloo")
    torch.manual_seed(torch.distributed.get_rank())
PICTURES = torch.from_numpy(common.pictures()).to(DEVICE)


def draw():
    return PICTURES[torch.randint(0, len(PICTURES), (BATCH,))].float().div_(255)


def mlp(*sizes, activation):
    parts = []
    for i, o in zip(sizes, sizes[1:]):
        parts += [nn.Linear(i, o), activation()]
    return nn.Sequential(*parts[:-1])


def start(model, *silent):
    """Weights as Duet's convolutions have them at first; those of `silent` layers are 0."""
    for layer in model.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            nn.init.xavier_uniform_(layer.weight, 0 if layer in silent else 1)
            nn.init.zeros_(layer.bias)


def leaky_relu():
    return nn.LeakyReLU(0.2)


def bernoulli_nll(logits, x):
    return F.binary_cross_entropy_with_logits(logits, x, reduction="sum")


def sample(mean, logvar):
    return mean + torch.randn_like(mean) * torch.exp(0.5 * logvar)


def kl(mean, logvar):
    return -0.5 * torch.sum(1 + logvar - mean * mean - logvar.exp())


class MlpVae(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(784, 400)
        self.mean, self.logvar = nn.Linear(400, 20), nn.Linear(400, 20)
        self.decoder = mlp(20, 400, 784, activation=nn.ReLU)

    def forward(self, x):
        h = F.relu(self.hidden(x))
        mean, logvar = self.mean(h), self.logvar(h)
        return (bernoulli_nll(self.decoder(sample(mean, logvar)), x) + kl(mean, logvar)) / len(x)


class ConvVae(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(1, 32, 3, 2), nn.ReLU(), nn.Conv2d(32, 64, 3, 2), nn.ReLU(), nn.Flatten(),
                                     nn.Linear(64 * 36, 4))
        self.decoder = nn.Sequential(nn.Linear(2, 7 * 7 * 32), nn.ReLU(), nn.Unflatten(1, (32, 7, 7)),
                                     nn.ConvTranspose2d(32, 64, 3, 2, 1, 1), nn.ReLU(),
                                     nn.ConvTranspose2d(64, 32, 3, 2, 1, 1), nn.ReLU(), nn.Conv2d(32, 1, 3, 1, 1))

    def forward(self, x):
        x = x.view(-1, 1, 28, 28)
        mean, logvar = self.encoder(x).chunk(2, 1)
        return (bernoulli_nll(self.decoder(sample(mean, logvar)), x) + kl(mean, logvar)) / len(x)


class Made(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden, self.logits = nn.Linear(784, 500), nn.Linear(500, 784)
        inputs, seen = torch.arange(784), torch.arange(500) % 783
        self.register_buffer("into", (seen[:, None] >= inputs[None, :]).float())
        self.register_buffer("out_of", (inputs[:, None] > seen[None, :]).float())

    def forward(self, x):
        x = (torch.rand_like(x) < x).float()
        h = F.relu(F.linear(x, self.hidden.weight * self.into, self.hidden.bias))
        return bernoulli_nll(F.linear(h, self.logits.weight * self.out_of, self.logits.bias), x) / len(x)


class Nice(nn.Module):
    def __init__(self):
        super().__init__()
        self.couplings = nn.ModuleList(mlp(392, *[1000] * 5, 392, activation=nn.ReLU) for _ in range(4))
        self.log_scale = nn.Parameter(torch.zeros(784))

    def forward(self, x):
        x = (x * 255 + torch.rand_like(x)) / 256
        a, b = x[:, 0::2], x[:, 1::2]
        for i, net in enumerate(self.couplings):
            if i % 2 == 0:
                b = b + net(a)
            else:
                a = a + net(b)
        h = torch.cat([a, b], 1) * torch.exp(self.log_scale)
        return (F.softplus(h) + F.softplus(-h)).sum(1).mean() - self.log_scale.sum()


class Coupling(nn.Module):
    """Moves some channels by a residual network of others; gives the logarithms of the scales too."""

    def __init__(self, channels, width=32, blocks=2):
        super().__init__()
        self.enter = nn.Conv2d(channels, width, 3, padding=1)
        self.convs = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(blocks))
        self.denses = nn.ModuleList(nn.Conv2d(width, width, 1) for _ in range(blocks))
        self.output = nn.Conv2d(width, 2 * channels, 1)
        self.bound = nn.Parameter(torch.full((channels, 1, 1), 2.0))

    def forward(self, x, other):
        h = self.enter(other)
        for conv, dense in zip(self.convs, self.denses):
            h = h + dense(F.relu_(conv(F.relu(h))))
        s, t = self.output(F.relu(h)).chunk(2, 1)
        s = self.bound * torch.tanh(s)
        return x * torch.exp(s) + t, s.sum((1, 2, 3))


class RealNvp(nn.Module):
    def __init__(self, scales=2, couplings=3, alpha=0.001):
        super().__init__()
        self.alpha = alpha
        self.scales = nn.ModuleList(nn.ModuleList(Coupling(2 << scale) for _ in range(2 * couplings))
                                    for scale in range(scales))
        start(self, *(coupling.output for scale in self.scales for coupling in scale))

    def forward(self, x):
        p = (x * 255 + torch.rand_like(x)) * ((1 - 2 * self.alpha) / 256) + self.alpha
        log_p, log_rest = torch.log(p), torch.log1p(-p)
        log_determinant = (math.log(1 - 2 * self.alpha) - log_p - log_rest).sum(1)
        x, codes = (log_p - log_rest).view(-1, 1, 28, 28), []
        for couplings in self.scales:
            upper, lower = x[:, :, 0::2], x[:, :, 1::2]
            a = torch.cat([upper[..., 0::2], lower[..., 1::2]], 1)
            b = torch.cat([upper[..., 1::2], lower[..., 0::2]], 1)
            for i, coupling in enumerate(couplings):
                if i == len(couplings) // 2:  # from the colours of a chessboard to halves of the channels
                    (a, d), (b, c) = a.chunk(2, 1), b.chunk(2, 1)
                    a, b = torch.cat([a, b], 1), torch.cat([c, d], 1)
                if i % (len(couplings) // 2) % 2 == 0:
                    b, s = coupling(b, a)
                else:
                    a, s = coupling(a, b)
                log_determinant = log_determinant + s
            codes.append(a.flatten(1))
            x = b
        h = torch.cat([*codes, x.flatten(1)], 1)
        return (0.5 * (h * h).sum(1) + 392 * math.log(2 * math.pi) - log_determinant).mean()


def gated(x):
    a, b = x.chunk(2, 1)
    return torch.tanh(a) * torch.sigmoid(b)


class PixelCnn(nn.Module):
    def __init__(self, width=16, blocks=5):
        super().__init__()
        both, inputs = 2 * width, [1] + blocks * [width]
        self.vertical = nn.ModuleList(nn.Conv2d(n, both, (2, 3) if i else (3, 7)) for i, n in enumerate(inputs))
        self.across = nn.ModuleList(nn.Conv2d(both, both, 1) for _ in inputs)
        self.horizontal = nn.ModuleList(nn.Conv2d(n, both, (1, 2) if i else (1, 4)) for i, n in enumerate(inputs))
        self.residual = nn.ModuleList(nn.Conv2d(width, width, 1) for _ in inputs)
        self.last, self.outputs = nn.Conv2d(width, width, 1), nn.Conv2d(width, 1, 1)
        self.register_buffer("before", torch.tensor([1.0, 1, 1, 0]))
        start(self)

    def forward(self, x):
        x = (torch.rand_like(x) < x).float().view(-1, 1, 28, 28)
        v, h = x[:, :, :-1], x
        for i, (vertical, horizontal) in enumerate(zip(self.vertical, self.horizontal)):
            down = vertical(F.pad(v, (1, 1, 1, 0) if i else (3, 3, 3, 0)))
            v = gated(down)
            weight = horizontal.weight if i else horizontal.weight * self.before
            right = F.conv2d(F.pad(h, (1, 0) if i else (3, 0)), weight, horizontal.bias)
            y = self.residual[i](gated(right + self.across[i](down)))
            h = h + y if i else y
        return bernoulli_nll(self.outputs(F.relu(self.last(F.relu(h)))), x) / len(x)


def group_norm(channels):
    return nn.GroupNorm(min(8, channels // 4), channels)


class Residual(nn.Module):
    def __init__(self, inputs, outputs, told):
        super().__init__()
        self.norm1, self.norm2 = group_norm(inputs), group_norm(outputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.told = nn.Linear(told, 2 * outputs)
        self.through = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x, told):
        scale, shift = self.told(told)[:, :, None, None].chunk(2, 1)
        h = self.norm2(self.conv1(F.silu(self.norm1(x))))
        return self.through(x) + self.conv2(F.silu(h * (1 + scale) + shift))


class Attention(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.norm = group_norm(channels)
        self.query, self.key = nn.Linear(channels, channels), nn.Linear(channels, channels)
        self.value, self.output = nn.Linear(channels, channels), nn.Linear(channels, channels)

    def forward(self, x):
        places = self.norm(x).flatten(2).transpose(1, 2)
        query, key, value = (dense(places).unsqueeze(1) for dense in (self.query, self.key, self.value))
        seen = F.scaled_dot_product_attention(query, key, value).squeeze(1)
        return x + self.output(seen).transpose(1, 2).reshape(x.shape)


class FlowMatching(nn.Module):
    """A U-Net of two halvings that learns the velocity from noise to pictures."""

    def __init__(self, width=16):
        super().__init__()
        w, told = width, 4 * width
        self.time = nn.Sequential(nn.Linear(w, told), nn.SiLU(), nn.Linear(told, told), nn.SiLU())
        self.register_buffer("frequency", torch.exp(torch.arange(w // 2) * (-math.log(1e4) / (w // 2))))
        self.input = nn.Conv2d(1, w, 3, padding=1)
        self.down = nn.ModuleList([Residual(w, w, told), Residual(2 * w, 2 * w, told)])
        self.shrink = nn.ModuleList([nn.Conv2d(w, 2 * w, 3, 2), nn.Conv2d(2 * w, 4 * w, 3, 2)])
        self.middle = nn.ModuleList([Residual(4 * w, 4 * w, told), Residual(4 * w, 4 * w, told)])
        self.attention = Attention(4 * w)
        self.grow = nn.ModuleList([nn.Conv2d(4 * w, 2 * w, 3, padding=1), nn.Conv2d(2 * w, w, 3, padding=1)])
        self.up = nn.ModuleList([Residual(4 * w, 2 * w, told), Residual(2 * w, w, told)])
        self.norm, self.output = group_norm(w), nn.Conv2d(w, 1, 3, padding=1)
        blocks = [*self.down, *self.middle, *self.up]
        start(self, self.attention.output, self.output, *(block.conv2 for block in blocks))

    def velocity(self, x, time):
        angle = 1000 * time * self.frequency
        told = self.time(torch.cat([torch.sin(angle), torch.cos(angle)], 1))
        h, kept = self.input(x.view(-1, 1, 28, 28)), []
        for block, shrink in zip(self.down, self.shrink):
            kept.append(block(h, told))
            h = shrink(F.pad(kept[-1], (0, 1, 0, 1)))
        h = self.middle[1](self.attention(self.middle[0](h, told)), told)
        for grow, block in zip(self.grow, self.up):
            h = block(torch.cat([grow(F.interpolate(h, scale_factor=2)), kept.pop()], 1), told)
        return self.output(F.silu(self.norm(h))).flatten(1)

    def forward(self, x):
        x, noise, time = 2 * x - 1, torch.randn_like(x), torch.rand(len(x), 1)
        along = x - noise
        return (self.velocity(noise + time * along, time) - along).square().sum() / len(x)


def conv_generator():
    return nn.Sequential(nn.Linear(100, 7 * 7 * 256, bias=False), nn.BatchNorm1d(7 * 7 * 256), leaky_relu(),
                         nn.Unflatten(1, (256, 7, 7)),
                         nn.ConvTranspose2d(256, 128, 5, 1, 2, bias=False), nn.BatchNorm2d(128), leaky_relu(),
                         nn.ConvTranspose2d(128, 64, 5, 2, 2, 1, bias=False), nn.BatchNorm2d(64), leaky_relu(),
                         nn.ConvTranspose2d(64, 1, 5, 2, 2, 1, bias=False), nn.Tanh(), nn.Flatten())


def conv_discriminator():
    return nn.Sequential(nn.Unflatten(1, (1, 28, 28)),
                         nn.Conv2d(1, 64, 5, 2, 2), leaky_relu(), nn.Dropout(0.3),
                         nn.Conv2d(64, 128, 5, 2, 2), leaky_relu(), nn.Dropout(0.3),
                         nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(128, 1))


def adam(model, rate, betas=(0.9, 0.999)):
    return torch.optim.Adam(model.parameters(), rate, betas=betas, fused=MODE != "eager", capturable=MODE == "graph")


def channels_last(model):
    """Faster by a fifth in some nets; not in the U-Net."""
    return model.to(memory_format=torch.channels_last)


def compiled(function):
    return torch.compile(function) if MODE == "compile" else function


def shared(model):
    """The model as all processes train it."""
    return nn.parallel.DistributedDataParallel(model, gradient_as_bucket_view=True) if PROCESSES > 1 else model


def minimise(model, rate, average=0):
    """The step of a model with one loss; `average`: the decay of an average of the weights, kept beside them."""
    optimiser, loss_of = adam(model, rate), compiled(shared(model))
    weights = list(model.parameters())
    averages, steps = [weight.detach().clone() for weight in weights], 0

    def step():
        optimiser.zero_grad()
        loss = loss_of(draw())
        loss.backward()
        optimiser.step()
        if average > 0:
            nonlocal steps
            steps += 1
            torch._foreach_lerp_(averages, weights, 1 - min(average, (1 + steps) / (10 + steps)))
        return loss.detach()

    return step


def play(generator, discriminator, latent, rate, betas, centred):
    """The step of a GAN: the discriminator on real and fresh fake pictures, then the generator on fresh ones."""
    g_adam, d_adam = adam(generator, rate, betas), adam(discriminator, rate, betas)
    g_shared, d_shared = shared(generator), shared(discriminator)  # only the one that learns, so that only it is summed

    def against(logits, label):
        return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, label))

    @compiled
    def d_loss(x, z):
        with torch.no_grad():
            fake = generator(z)
        return against(d_shared(x), 1.0) + against(d_shared(fake), 0.0)

    @compiled
    def g_loss(z):
        return against(discriminator(g_shared(z)), 1.0)

    def step():
        x = draw()
        d_adam.zero_grad()
        loss = d_loss(2 * x - 1 if centred else x, torch.randn(BATCH, latent))
        loss.backward()
        d_adam.step()
        g_adam.zero_grad()
        g_loss(torch.randn(BATCH, latent)).backward()
        g_adam.step()
        return loss.detach()

    return step


def mlpgan():
    generator = nn.Sequential(mlp(64, 256, 512, 784, activation=leaky_relu), nn.Sigmoid())
    return play(generator, mlp(784, 512, 256, 1, activation=leaky_relu), 64, 2e-4, (0.5, 0.999), False)


STEPS = {
    "mlpvae": lambda: minimise(MlpVae(), 1e-3),
    "mlpgan": mlpgan,
    "made": lambda: minimise(Made(), 1e-3),
    "nice": lambda: minimise(Nice(), 1e-3),
    "flow": lambda: minimise(channels_last(RealNvp()), 2e-3),
    "pixelcnn": lambda: minimise(channels_last(PixelCnn()), 1e-3),
    "unet": lambda: minimise(FlowMatching(), 1e-3, average=0.999),
    "convvae": lambda: minimise(ConvVae(), 1e-4),
    "dcgan": lambda: play(conv_generator(), conv_discriminator(), 100, 1e-4, (0.9, 0.999), True),
}


def captured(step):
    """The step as a CUDA graph that is replayed. What the host counts, such as an average's decay, would stand still."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(5):
            step()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        loss = step()

    def replay():
        graph.replay()
        return loss

    return replay


def block_of(step):
    def block():
        for _ in range(STEPS_A_BLOCK):
            loss = step()
        return loss.item()

    return block


def agree(number):
    shared_number = torch.tensor([number], dtype=torch.float64)
    torch.distributed.broadcast(shared_number, 0)
    return shared_number.item()


step_of = STEPS[WORKLOAD]()
together = {"agree": agree, "tells": torch.distributed.get_rank() == 0} if PROCESSES > 1 else {}
common.measure("torch" if MODE == "fused" else "torch-" + MODE, WORKLOAD, BATCH, SECONDS,
               block_of(captured(step_of) if MODE == "graph" else step_of), STEPS_A_BLOCK, **together)
if PROCESSES > 1:  # at once: a process that is taken down now and then aborts over gloo's threads
    torch.distributed.barrier()
    sys.stdout.flush()
    os._exit(0)
