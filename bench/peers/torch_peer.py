# SPDX-License-Identifier: MIT
"""PyTorch on the CPU: eager with the fused Adam, which is its fastest way here. TORCH_MODE=eager or compile for others."""
import common

import os

import torch
from torch import nn
from torch.nn import functional as F

WORKLOAD, BATCH, SECONDS = common.arguments()
MODE = os.environ.get("TORCH_MODE", "fused")
torch.set_num_threads(common.THREADS)
PICTURES = torch.from_numpy(common.pictures())


def draw():
    return PICTURES[torch.randint(0, len(PICTURES), (BATCH,))].float().div_(255)


def mlp(*sizes, activation):
    parts = []
    for i, o in zip(sizes, sizes[1:]):
        parts += [nn.Linear(i, o), activation()]
    return nn.Sequential(*parts[:-1])


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
    return torch.optim.Adam(model.parameters(), rate, betas=betas, fused=MODE != "eager")


def compiled(function):
    return torch.compile(function) if MODE == "compile" else function


def minimise(model, rate):
    """The step of a model with one loss."""
    optimiser, loss_of = adam(model, rate), compiled(model)

    def step():
        optimiser.zero_grad()
        loss = loss_of(draw())
        loss.backward()
        optimiser.step()
        return loss.item()

    return step


def play(generator, discriminator, latent, rate, betas, centred):
    """The step of a GAN: the discriminator on real and fresh fake pictures, then the generator on fresh ones."""
    g_adam, d_adam = adam(generator, rate, betas), adam(discriminator, rate, betas)

    def against(logits, label):
        return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, label))

    @compiled
    def d_loss(x, z):
        with torch.no_grad():
            fake = generator(z)
        return against(discriminator(x), 1.0) + against(discriminator(fake), 0.0)

    @compiled
    def g_loss(z):
        return against(discriminator(generator(z)), 1.0)

    def step():
        x = draw()
        d_adam.zero_grad()
        loss = d_loss(2 * x - 1 if centred else x, torch.randn(BATCH, latent))
        loss.backward()
        d_adam.step()
        g_adam.zero_grad()
        g_loss(torch.randn(BATCH, latent)).backward()
        g_adam.step()
        return loss.item()

    return step


def mlpgan():
    generator = nn.Sequential(mlp(64, 256, 512, 784, activation=leaky_relu), nn.Sigmoid())
    return play(generator, mlp(784, 512, 256, 1, activation=leaky_relu), 64, 2e-4, (0.5, 0.999), False)


STEPS = {
    "mlpvae": lambda: minimise(MlpVae(), 1e-3),
    "mlpgan": mlpgan,
    "made": lambda: minimise(Made(), 1e-3),
    "nice": lambda: minimise(Nice(), 1e-3),
    "convvae": lambda: minimise(ConvVae(), 1e-4),
    "dcgan": lambda: play(conv_generator(), conv_discriminator(), 100, 1e-4, (0.9, 0.999), True),
}
common.measure("torch" if MODE == "fused" else "torch-" + MODE, WORKLOAD, BATCH, SECONDS, STEPS[WORKLOAD]())
