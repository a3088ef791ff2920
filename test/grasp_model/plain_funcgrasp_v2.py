"""The source document's forward pass once more, from the document alone: plain torch, weights by name, one observation.

It uses none of our modules, no torch_geometric and no torch.nn layers. The document leaves open, and both take:
farthest point sampling starts at the first point; a group keeps its nearest 64 points; every linear layer of PointNet++
is followed by ReLU; interpolation weighs by inverse squared distance; the time embedding is 64 cosines and 64 sines of
1000 t with periods up to 10 000; the transformer's activation is ReLU and its norms have epsilon 1e-5; the pooling's
epsilon is 1e-6.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

NUM_HEADS, NUM_LAYERS, NUM_STEPS, TIME_SIZE = 8, 4, 20, 128


@dataclass(frozen=True)
class PlainPass:
    """Every stage for one observation of N points, K candidates.

    Attributes:
        geometric: [N, 256].
        global_feature: [256].
        fused: [N, 512].
        logits: [N, 7].
        condition: [512].
        velocity: [K, 61] at the given x_t and times.
        vectors: [K, 61] integrated from the given noise.
    """

    geometric: Tensor
    global_feature: Tensor
    fused: Tensor
    logits: Tensor
    condition: Tensor
    velocity: Tensor
    vectors: Tensor


def plain_forward(
    weights: Mapping[str, Tensor], points: Tensor, semantic: Tensor, x_t: Tensor, times: Tensor, noise: Tensor
) -> PlainPass:
    """All stages.

    Args:
        weights: by the names of `plain_weights`.
        points: [N, 3] metres.
        semantic: [256].
        x_t: [K, 61].
        times: [K].
        noise: [K, 61].
    """
    geometric, global_feature = geometric_encoder(weights, points)
    fused = fusion_transformer(weights, torch.cat([geometric, semantic.expand(len(points), -1)], dim=1))
    logits = linear(weights, "contact.1", linear(weights, "contact.0", fused).clamp(min=0))
    weight = torch.stack([torch.stack([1 / (1 + (-z).exp()) for z in row[1:]]).max() for row in logits])
    weight = weight / (weight.sum() + 1e-6)
    condition = (weight[:, None] * fused).sum(dim=0)
    velocity = flow(weights, x_t, times, condition)
    x = noise
    for step in range(NUM_STEPS):
        t = torch.full((len(x),), (step + 0.5) / NUM_STEPS, dtype=x.dtype)
        x = x + flow(weights, x, t, condition) / NUM_STEPS
    return PlainPass(geometric, global_feature, fused, logits, condition, velocity, x)


def linear(weights: Mapping[str, Tensor], name: str, x: Tensor) -> Tensor:
    return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def shared_layers(weights: Mapping[str, Tensor], name: str, x: Tensor) -> Tensor:
    layer = 0
    while f"{name}.{layer}.weight" in weights:
        x = linear(weights, f"{name}.{layer}", x).clamp(min=0)
        layer += 1
    return x


def geometric_encoder(weights: Mapping[str, Tensor], points: Tensor) -> tuple[Tensor, Tensor]:
    points1, features1 = set_abstraction(weights, "sa1", points, points, 512, 0.2)
    points2, features2 = set_abstraction(weights, "sa2", points1, features1, 128, 0.4)
    global_feature = shared_layers(weights, "global", features2.max(dim=0).values)
    up1 = shared_layers(weights, "fp1", torch.cat([interpolate(points2, features2, points1), features1], dim=1))
    up0 = shared_layers(weights, "fp0", torch.cat([interpolate(points1, up1, points), points], dim=1))
    return up0, global_feature


def set_abstraction(
    weights: Mapping[str, Tensor], name: str, points: Tensor, features: Tensor, num_samples: int, radius: float
) -> tuple[Tensor, Tensor]:
    centres = points[farthest_points(points, num_samples)]
    rows = []
    for centre in centres:
        distances = ((points - centre) ** 2).sum(dim=1).sqrt()
        group = [i for i in distances.argsort()[:64].tolist() if distances[i] <= radius]
        messages = torch.cat([features[group], points[group] - centre], dim=1)
        rows.append(shared_layers(weights, name, messages).max(dim=0).values)
    return centres, torch.stack(rows)


def farthest_points(points: Tensor, num_samples: int) -> list[int]:
    chosen = [0]
    nearest = torch.full((len(points),), math.inf, dtype=points.dtype)
    while len(chosen) < num_samples:
        nearest = torch.minimum(nearest, ((points - points[chosen[-1]]) ** 2).sum(dim=1))
        nearest[chosen[-1]] = -1
        chosen.append(int(nearest.argmax()))
    return chosen


def interpolate(sources: Tensor, features: Tensor, queries: Tensor) -> Tensor:
    rows = []
    for query in queries:
        squared = ((sources - query) ** 2).sum(dim=1)
        nearest = squared.argsort()[:3]
        weight = 1 / squared[nearest].clamp(min=1e-16)
        rows.append((weight[:, None] * features[nearest]).sum(dim=0) / weight.sum())
    return torch.stack(rows)


def layer_norm(weights: Mapping[str, Tensor], name: str, x: Tensor) -> Tensor:
    centred = x - x.mean(dim=1, keepdim=True)
    deviation = ((centred**2).mean(dim=1, keepdim=True) + 1e-5).sqrt()
    return centred / deviation * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def fusion_transformer(weights: Mapping[str, Tensor], x: Tensor) -> Tensor:
    for layer in range(NUM_LAYERS):
        name = f"fusion.{layer}"
        x = x + attention(weights, name, layer_norm(weights, f"{name}.norm1", x))
        hidden = linear(weights, f"{name}.up", layer_norm(weights, f"{name}.norm2", x)).clamp(min=0)
        x = x + linear(weights, f"{name}.down", hidden)
    return x


def attention(weights: Mapping[str, Tensor], name: str, x: Tensor) -> Tensor:
    size = x.shape[1] // NUM_HEADS
    query, key, value = (linear(weights, f"{name}.{role}", x) for role in ("query", "key", "value"))
    heads = []
    for head in range(NUM_HEADS):
        part = slice(head * size, (head + 1) * size)
        scores = query[:, part] @ key[:, part].T / math.sqrt(size)
        exponentials = (scores - scores.max(dim=1, keepdim=True).values).exp()
        heads.append(exponentials / exponentials.sum(dim=1, keepdim=True) @ value[:, part])
    return linear(weights, f"{name}.out", torch.cat(heads, dim=1))


def flow(weights: Mapping[str, Tensor], x_t: Tensor, times: Tensor, condition: Tensor) -> Tensor:
    angles = torch.stack([1000 * times / 10_000 ** (i / (TIME_SIZE // 2)) for i in range(TIME_SIZE // 2)], dim=1)
    hidden = torch.cat([x_t, angles.cos(), angles.sin(), condition.expand(len(x_t), -1)], dim=1)
    for layer in range(2):
        hidden = linear(weights, f"flow.{layer}", hidden)
        hidden = hidden / (1 + (-hidden).exp())
    return linear(weights, "flow.2", hidden)


_STACKS = {
    "geometric_encoder.first.conv.local_nn": ("sa1", 2),
    "geometric_encoder.second.conv.local_nn": ("sa2", 2),
    "geometric_encoder.global_layers": ("global", 2),
    "geometric_encoder.propagate_first": ("fp1", 2),
    "geometric_encoder.propagate_points": ("fp0", 2),
    "contact_head.layers": ("contact", 2),
    "flow.network.layers": ("flow", 2),
}
"""Name of a stack in the model: its name here, and how many modules a layer takes there (linear and activation)."""

_TRANSFORMER = {
    "norm1": "norm1",
    "norm2": "norm2",
    "linear1": "up",
    "linear2": "down",
    "self_attn.out_proj": "out",
}


def plain_weights(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A model's state dictionary under the names used here; what the semantic encoder has is left out."""
    weights = {}
    for name, tensor in state.items():
        module, _, kind = name.rpartition(".")
        stack, _, index = module.rpartition(".")
        if stack in _STACKS:
            plain, stride = _STACKS[stack]
            weights[f"{plain}.{int(index) // stride}.{kind}"] = tensor
        elif name.startswith("fusion."):
            layer, _, rest = name.removeprefix("fusion.transformer.layers.").partition(".")
            if rest.startswith("self_attn.in_proj_"):
                for role, part in zip(("query", "key", "value"), tensor.chunk(3), strict=True):
                    weights[f"fusion.{layer}.{role}.{rest.removeprefix('self_attn.in_proj_')}"] = part
            else:
                weights[f"fusion.{layer}.{_TRANSFORMER[rest.rpartition('.')[0]]}.{kind}"] = tensor
        elif not name.startswith(("semantic_encoder.", "targets.")):
            raise KeyError(f"{name} has no name in the plain pass")
    return weights
