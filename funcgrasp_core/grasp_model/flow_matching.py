"""Rectified flow: straight paths from noise to data, and networks that predict their velocity.

Liu et al., "Flow Straight and Fast: Learning to Generate and Transfer Data with Rectified Flow", ICLR 2023.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from funcgrasp_core.grasp_model.config import FlowConfig
from funcgrasp_core.grasp_model.integrators import INTEGRATORS
from funcgrasp_core.grasp_model.layers import ResidualBlock, sinusoidal_embedding
from funcgrasp_core.grasp_model.sample_random import SampleRandom


def interpolate(noise: Tensor, data: Tensor, time: Tensor) -> tuple[Tensor, Tensor]:
    """A point of the straight path and the path's velocity.

    Args:
        noise: x_0 [..., D].
        data: x_1 [..., D].
        time: t [...] in [0, 1].

    Returns:
        x_t = (1 - t) x_0 + t x_1 and x_1 - x_0, both [..., D].
    """
    t = time[..., None]
    return (1 - t) * noise + t * data, data - noise


class FlowNetwork(nn.Module):
    """Velocity of `data_size` numbers under a condition.

    Args:
        data_size: D.
        condition_size: C.
        config: plain layers with SiLU, or residual blocks.
    """

    def __init__(self, data_size: int, condition_size: int, config: FlowConfig) -> None:
        super().__init__()
        self.data_size = data_size
        self.time_size = config.time_size
        input_size = data_size + config.time_size + condition_size
        if config.residual:
            hidden: list[nn.Module] = [nn.Linear(input_size, config.width)]
            hidden += [ResidualBlock(config.width) for _ in range(config.layers)]
        else:
            hidden = []
            for layer in range(config.layers):
                hidden += [nn.Linear(config.width if layer else input_size, config.width), nn.SiLU()]
        self.layers = nn.Sequential(*hidden, nn.Linear(config.width, data_size))

    def forward(self, x_t: Tensor, time: Tensor, condition: Tensor) -> Tensor:
        """x_t [..., D], time [...], condition [..., C] -> velocity [..., D]."""
        embedded = sinusoidal_embedding(time, self.time_size).to(x_t.dtype)
        return self.layers(torch.cat([x_t, embedded, condition], dim=-1))


class AttentiveFlowNetwork(nn.Module):
    """Velocity under a condition, with a look at the object's points before every residual block.

    The query comes from x_t itself, so a pose that is nearly there can look at the points around it.

    Args:
        data_size: D.
        condition_size: C.
        context_size: width of a context point, coordinates included.
        config: `layers` pairs of attention and residual block of `width`.
        heads: of the attention.
    """

    def __init__(self, data_size: int, condition_size: int, context_size: int, config: FlowConfig, heads: int) -> None:
        super().__init__()
        self.data_size = data_size
        self.time_size = config.time_size
        self.enter = nn.Linear(data_size + config.time_size + condition_size, config.width)
        self.read_context = nn.Linear(context_size, config.width)
        self.norms = nn.ModuleList(nn.LayerNorm(config.width) for _ in range(config.layers))
        self.attentions = nn.ModuleList(
            nn.MultiheadAttention(config.width, heads, batch_first=True) for _ in range(config.layers)
        )
        self.blocks = nn.ModuleList(ResidualBlock(config.width) for _ in range(config.layers))
        self.leave = nn.Linear(config.width, data_size)

    def forward(self, x_t: Tensor, time: Tensor, condition: Tensor, context: Tensor) -> Tensor:
        """x_t [B, Q, D], time [B, Q], condition [B, Q, C], context [B, P, context_size] -> velocity [B, Q, D]."""
        embedded = sinusoidal_embedding(time, self.time_size).to(x_t.dtype)
        hidden = self.enter(torch.cat([x_t, embedded, condition], dim=-1))
        points = self.read_context(context)
        for norm, attention, block in zip(self.norms, self.attentions, self.blocks, strict=True):
            seen, _ = attention(norm(hidden), points, points, need_weights=False)
            hidden = block(hidden + seen)
        return self.leave(hidden)


@dataclass(frozen=True)
class Guidance:
    """Classifier-free guidance of a sampling: v = v_null + scale (v_condition - v_null).

    Ho and Salimans, "Classifier-Free Diffusion Guidance", 2021, for velocities: a velocity is linear in the score, so
    the same extrapolation holds.

    Attributes:
        scale: above 1 strengthens the condition; 0 samples without it.
        condition: [B, K, C] of the null condition.
        context: what else the network takes, under the null condition.
    """

    scale: float
    condition: Tensor
    context: tuple[Tensor, ...] = ()


class RectifiedFlow(nn.Module):
    """A velocity network with its way of training and sampling.

    Args:
        network: called with x_t [B, Q, D], time [B, Q], condition [B, Q, C] and, if it takes one, context [B, P, C'].
        data_size: D.
        config: integrator and numbers of steps and draws.
    """

    def __init__(self, network: nn.Module, data_size: int, config: FlowConfig) -> None:
        super().__init__()
        self.network = network
        self.data_size = data_size
        self.num_steps = config.num_steps
        self.time_draws = config.time_draws
        self.integrate = INTEGRATORS[config.integrator]

    def predict(
        self,
        data: Tensor,
        condition: Tensor,
        *context: Tensor,
        random: SampleRandom,
        noise: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Predicted and true velocities at T random times for each datum.

        Args:
            data: x_1 [B, G, D].
            condition: [B, G, C].
            context: what else the network takes.
            random: B streams, of times and noise.
            noise: x_0 [B, G, D] that belongs to each datum, as in reflow; None: independent, other for each time.

        Returns:
            Two tensors [B, T * G, D].
        """
        data, condition = data.repeat(1, self.time_draws, 1), condition.repeat(1, self.time_draws, 1)
        noise = random.normal(*data.shape[1:], like=data) if noise is None else noise.repeat(1, self.time_draws, 1)
        time = random.uniform(data.shape[1], like=data)
        x_t, velocity = interpolate(noise, data, time)
        return self.network(x_t, time, condition, *context), velocity

    def sample_pairs(
        self, condition: Tensor, *context: Tensor, random: SampleRandom, guidance: Guidance | None = None
    ) -> tuple[Tensor, Tensor]:
        """Noise and the sample that the flow takes it to, for each condition: [B, K, C] -> two tensors [B, K, D].

        Args:
            condition: [B, K, C].
            context: what else the network takes.
            random: B streams.
            guidance: None, or scale 1: the network is asked once for every velocity.
        """

        def velocity(x: Tensor, time: Tensor) -> Tensor:
            conditioned = self.network(x, time, condition, *context)
            if guidance is None or guidance.scale == 1.0:
                return conditioned
            unconditioned = self.network(x, time, guidance.condition, *guidance.context)
            return unconditioned + guidance.scale * (conditioned - unconditioned)

        noise = random.normal(condition.shape[1], self.data_size, like=condition)
        return noise, self.integrate(velocity, noise, self.num_steps)

    def sample(
        self, condition: Tensor, *context: Tensor, random: SampleRandom, guidance: Guidance | None = None
    ) -> Tensor:
        """One sample for each condition: [B, K, C] -> [B, K, D]; see `sample_pairs`."""
        return self.sample_pairs(condition, *context, random=random, guidance=guidance)[1]
