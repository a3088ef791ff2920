"""`funcgrasp_v2` beside the plain pass of the source document, and its sizes beside the document's."""

import itertools

import pytest
import torch
from plain_funcgrasp_v2 import PlainPass, plain_forward, plain_weights
from torch import Tensor, nn

from funcgrasp_core.geometry.point_sampling import (
    ball_query,
    bipartite_edge_index,
    farthest_point_sampling,
    gather_points,
)
from funcgrasp_core.grasp_model.config import CompactSemanticConfig, SetAbstractionConfig
from funcgrasp_core.grasp_model.grasp_model import GraspModel, SingleMapGraspModel
from funcgrasp_core.grasp_model.named_configs import FUNCGRASP_V2
from funcgrasp_core.grasp_model.pointnet2_encoder import SetAbstraction
from funcgrasp_core.grasp_model.sample_random import SampleRandom
from funcgrasp_core.grasp_model.semantic_encoder import CompactSemanticEncoder, ViewFeatures
from funcgrasp_core.hand.hand_parameters import AxisAngleParameterisation

NUM_CANDIDATES = 4
STAGES = tuple(PlainPass.__annotations__)


class LinearSemanticEncoder(nn.Module):
    """Stands for the language model: a linear layer on the views' features and the text's length."""

    view_size, views_are_frozen = 8, True

    def __init__(self, size: int) -> None:
        super().__init__()
        self.project = nn.Linear(19, size)

    def encode_views(self, images: Tensor) -> Tensor:
        return images.mean(dim=(3, 4))

    def forward(self, view_features: Tensor, view_mask: Tensor, texts: list[str]) -> Tensor:
        lengths = view_features.new_tensor([[0.1 * len(text)] for text in texts])
        return self.project(torch.cat([view_features.flatten(1), lengths], dim=1))


def build(dtype: torch.dtype) -> GraspModel:
    torch.manual_seed(0)
    model = SingleMapGraspModel(FUNCGRASP_V2, LinearSemanticEncoder(256), AxisAngleParameterisation())
    with torch.no_grad():  # fresh weights shrink the signal from layer to layer: make every stage count
        for name, parameter in model.named_parameters():
            if parameter.ndim == 2 and "fusion" not in name:
                parameter.mul_(1.7)
    return model.to(dtype).eval()


def our_stages(model: GraspModel, points, views, texts, x_t, times, seeds) -> dict[str, Tensor]:
    semantic = model.encode_meaning(views, texts)
    hierarchy = model.geometric_encoder.abstract(points)
    geometric, global_feature = model.geometric_encoder(points)
    scene = model.fuse(points, hierarchy, semantic)
    logits = model.contact_head(scene.point_features)
    condition = model.pooling(scene.flow_features, logits)
    expanded = condition[:, None].expand(-1, NUM_CANDIDATES, -1)
    return {
        "geometric": geometric,
        "global_feature": global_feature,
        "fused": scene.point_features,
        "logits": logits,
        "condition": condition,
        "velocity": model.flow.network(x_t, times, expanded),
        "vectors": model.sample(points, views, texts, NUM_CANDIDATES, SampleRandom(seeds)).vectors,
    }


@torch.no_grad()
def compare(dtype: torch.dtype) -> dict[str, tuple[Tensor, Tensor]]:
    model = build(dtype)
    generator = torch.Generator().manual_seed(1)
    # In the first cloud groups are full before the radius ends them, in the second the radius ends them.
    extents = torch.tensor([[[0.5, 0.3, 0.8]], [[2.0, 1.2, 3.2]]])
    points = ((torch.rand(2, 1024, 3, generator=generator) - 0.5) * extents).to(dtype)
    views = ViewFeatures(torch.rand(2, 6, 3, generator=generator).to(dtype), torch.ones(2, 6, dtype=torch.bool))
    texts, seeds = ["drink from the mug", "hand it over"], [3, 4]
    x_t = torch.randn(2, NUM_CANDIDATES, 61, generator=generator).to(dtype)
    times = torch.rand(2, NUM_CANDIDATES, generator=generator).to(dtype)
    ours = our_stages(model, points, views, texts, x_t, times, seeds)
    weights = plain_weights(model.state_dict())
    semantic = model.encode_meaning(views, texts)
    noise = SampleRandom(seeds).normal(NUM_CANDIDATES, 61, like=x_t)
    passes = [plain_forward(weights, points[b], semantic[b], x_t[b], times[b], noise[b]) for b in range(2)]
    return {stage: (ours[stage], torch.stack([getattr(one, stage) for one in passes])) for stage in STAGES}


@pytest.mark.parametrize("dtype", [pytest.param(torch.float64, marks=pytest.mark.slow), torch.float32], ids=str)
def test_every_stage_equals_the_plain_pass(dtype):
    for stage, (ours, plain) in compare(dtype).items():
        assert ours.shape == plain.shape, stage
        assert plain.std() > 1e-2, f"{stage} says too little"
        assert (ours - plain).abs().max() <= 1e-5 * plain.abs().max().clamp(min=1.0), stage


def test_edges_run_from_points_to_the_centres_that_group_them():
    """[source, target]; swapped rows run without error where there are as many centres as points, and are found out."""
    torch.manual_seed(0)
    layer = SetAbstraction(SetAbstractionConfig(12, 0.4, 3, (16,)), input_size=3, layer_norm=False)
    points = torch.rand(1, 12, 3)
    centres = gather_points(points, farthest_point_sampling(points, 12))
    neighbours, inside = ball_query(points, centres, 0.4, 3)
    neighbours = torch.where(inside, neighbours, neighbours[..., :1])
    edges = bipartite_edge_index(neighbours, torch.ones_like(inside), 12)
    expected = torch.stack(
        [
            layer.conv.local_nn(torch.cat([points[0, group], points[0, group] - centre], dim=1)).amax(dim=0)
            for group, centre in zip(neighbours[0], centres[0], strict=True)
        ]
    )

    def encode(edge_index: Tensor) -> Tensor:
        return layer.conv((points[0], None), (points[0], centres[0]), edge_index)

    assert torch.allclose(encode(edges), expected, atol=1e-6)
    assert torch.allclose(layer(points, points, torch.ones(1))[1][0], expected, atol=1e-6)
    assert not torch.allclose(encode(edges.flip(0)), expected, atol=1e-2)


def count(*modules: nn.Module) -> int:
    return sum(parameter.numel() for module in modules for parameter in module.parameters())


def layers(*widths: int) -> int:
    """Parameters of linear layers of these widths."""
    return sum(before * after + after for before, after in itertools.pairwise(widths))


def transformer_layer(width: int, feedforward: int) -> int:
    norms = 2 * 2 * width
    attention = layers(width, 3 * width) + layers(width, width)
    return norms + attention + layers(width, feedforward, width)


def test_every_stage_has_the_parameters_that_its_stated_layers_give():
    """The document's table claims 2 M, 4 M, 0.1 M and 66 M for the first four, and 90 M for the adapters."""
    model = SingleMapGraspModel(FUNCGRASP_V2, LinearSemanticEncoder(256), AxisAngleParameterisation())
    encoder = model.geometric_encoder
    stated = {
        "first set abstraction": (count(encoder.first), layers(3 + 3, 64, 64, 128, 256), 45_952),
        "second set abstraction": (count(encoder.second), layers(256 + 3, 128, 128, 256, 256), 148_608),
        "global": (count(encoder.global_layers), layers(256, 512, 256), 262_912),
        "first propagation": (count(encoder.propagate_first), layers(256 + 256, 256, 256), 197_120),
        "second propagation": (count(encoder.propagate_points), layers(256 + 3, 256, 256), 132_352),
        "fusion": (count(model.fusion), 4 * transformer_layer(512, 2048), 12_609_536),
        "contact head": (count(model.contact_head), layers(512, 256, 7), 133_127),
        "flow": (count(model.flow), layers(61 + 128 + 512, 1024, 1024, 61), 1_830_973),
        "pooling": (count(model.pooling), 0, 0),
    }
    for name, (counted, by_formula, number) in stated.items():
        assert counted == by_formula == number, name
    # Claimed: 2 M. Stated layers: 0.79 M.
    assert count(encoder) == 786_944
    assert count(model) - count(model.semantic_encoder) == 786_944 + 12_609_536 + 133_127 + 1_830_973 == 15_360_580


def test_semantic_projection_from_the_language_models_width():
    """LayerNorm and Linear from 2048 to 256; the embedded encoder's projection has the same form."""
    encoder = CompactSemanticEncoder(CompactSemanticConfig(num_buckets=4, width=1024, view_widths=(4,)), 256)
    assert count(encoder.project) == 2 * 2048 + layers(2048, 256) == 528_640
