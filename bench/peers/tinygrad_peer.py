# SPDX-License-Identifier: MIT
"""tinygrad through OpenCL, the one other maintained library that trains through it: mlpvae. Its first step takes minutes."""
import common

from tinygrad import Device, Tensor, TinyJit, nn

WORKLOAD, BATCH, SECONDS = common.arguments()
assert WORKLOAD == "mlpvae"
PICTURES = Tensor(common.pictures()).realize()


class MlpVae:
    def __init__(self):
        self.hidden = nn.Linear(784, 400)
        self.mean, self.logvar = nn.Linear(400, 20), nn.Linear(400, 20)
        self.decoder, self.logits = nn.Linear(20, 400), nn.Linear(400, 784)

    def loss(self, x):
        h = self.hidden(x).relu()
        mean, logvar = self.mean(h), self.logvar(h)
        z = mean + Tensor.randn(*mean.shape) * (logvar * 0.5).exp()
        logits = self.logits(self.decoder(z).relu())
        kl = -0.5 * (1 + logvar - mean * mean - logvar.exp()).sum()
        return ((logits.softplus() - logits * x).sum() + kl) / BATCH


model = MlpVae()
optimiser = nn.optim.Adam(nn.state.get_parameters(model), 1e-3)


@TinyJit
def step():
    x = PICTURES[Tensor.randint(BATCH, high=PICTURES.shape[0])].float() / 255
    optimiser.zero_grad()
    loss = model.loss(x).backward()
    optimiser.step()
    return loss.realize()


common.measure("tinygrad-" + Device.DEFAULT.lower(), WORKLOAD, BATCH, SECONDS, lambda: step().item())
