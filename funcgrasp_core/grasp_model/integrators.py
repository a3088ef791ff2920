"""From noise to data along a velocity field, in steps of equal length.

A rectified flow's field is (x_1 - x) / (1 - t) near the end, which has no value at t = 1. No integrator here asks for
the velocity at t = 1: what the last step does instead is stated with each of them.
"""

from collections.abc import Callable

import torch
from torch import Tensor

Velocity = Callable[[Tensor, Tensor], Tensor]
"""(x_t [..., D], t [...]) -> velocity [..., D]."""

Integrator = Callable[[Velocity, Tensor, int], Tensor]
"""(velocity, noise x_0 [..., D], number of steps) -> x_1 [..., D]."""


def integrate_euler_midpoint_time(velocity: Velocity, noise: Tensor, num_steps: int) -> Tensor:
    """Euler steps that ask for the velocity at (k + 0.5) / n.

    On the exact field (x_1 - x) / (1 - t) it does not land: 2.56 % of the noise stays after 20 steps.
    """
    x = noise
    for step in range(num_steps):
        x = x + velocity(x, _times(x, (step + 0.5) / num_steps)) / num_steps
    return x


def integrate_euler(velocity: Velocity, noise: Tensor, num_steps: int) -> Tensor:
    """Euler steps that ask for the velocity at their left end; lands exactly on (x_1 - x) / (1 - t)."""
    x = noise
    for step in range(num_steps):
        x = x + velocity(x, _times(x, step / num_steps)) / num_steps
    return x


def integrate_heun(velocity: Velocity, noise: Tensor, num_steps: int) -> Tensor:
    """Heun's second-order steps; the last one is an Euler step, since the field is singular at t = 1.

    One Euler step's error falls with the square of its length, so the whole stays of second order.
    """
    x = noise
    for step in range(num_steps):
        slope = velocity(x, _times(x, step / num_steps))
        predicted = x + slope / num_steps
        if step + 1 < num_steps:
            slope = (slope + velocity(predicted, _times(x, (step + 1) / num_steps))) / 2
        x = x + slope / num_steps
    return x


def integrate_rk4(velocity: Velocity, noise: Tensor, num_steps: int) -> Tensor:
    """Classical fourth-order Runge-Kutta steps, four velocities each; the last one is of third order.

    Every explicit fourth-order step of four stages asks for the velocity at its right end. The last step is therefore
    Ralston's of third order, with stages at 0, 1/2 and 3/4 of the step ("Runge-Kutta Methods with Minimum Error
    Bounds", 1962): one such step's error falls with the fourth power of its length, so the whole stays of fourth
    order. It lands exactly on (x_1 - x) / (1 - t), whose paths are straight.
    """
    x, length = noise, 1.0 / num_steps
    for step in range(num_steps):
        start = step / num_steps
        first = velocity(x, _times(x, start))
        second = velocity(x + length / 2 * first, _times(x, start + length / 2))
        if step + 1 < num_steps:
            third = velocity(x + length / 2 * second, _times(x, start + length / 2))
            fourth = velocity(x + length * third, _times(x, (step + 1) / num_steps))
            x = x + length / 6 * (first + 2 * second + 2 * third + fourth)
        else:
            third = velocity(x + 3 * length / 4 * second, _times(x, start + 3 * length / 4))
            x = x + length / 9 * (2 * first + 3 * second + 4 * third)
    return x


INTEGRATORS: dict[str, Integrator] = {
    "euler_midpoint_time": integrate_euler_midpoint_time,
    "euler": integrate_euler,
    "heun": integrate_heun,
    "rk4": integrate_rk4,
}


def _times(x: Tensor, time: float) -> Tensor:
    return torch.full_like(x[..., 0], time)
