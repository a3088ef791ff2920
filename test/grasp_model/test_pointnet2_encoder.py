import torch

from funcgrasp_core.geometry.point_sampling import ball_query, farthest_point_sampling, gather_points
from funcgrasp_core.grasp_model.config import PointNet2Config, SetAbstractionConfig
from funcgrasp_core.grasp_model.named_configs import COMPACT, FUNCGRASP_V2
from funcgrasp_core.grasp_model.pointnet2_encoder import PointNet2Encoder, SetAbstraction

SMALL = PointNet2Config(
    first=SetAbstractionConfig(12, 0.5, 6, (8, 8)),
    second=SetAbstractionConfig(5, 0.9, 4, (8, 10)),
    global_widths=(7,),
    propagation_widths=(9, 9),
)


def test_shapes():
    features, global_feature = PointNet2Encoder(SMALL)(torch.rand(3, 20, 3))
    assert features.shape == (3, 20, 9)
    assert global_feature.shape == (3, 7)


def test_set_abstraction_matches_plain_loops():
    torch.manual_seed(0)
    layer = SetAbstraction(SetAbstractionConfig(4, 0.4, 5, (6,)), input_size=2, layer_norm=False)
    points, features = torch.rand(2, 15, 3), torch.rand(2, 15, 2)
    centres, encoded = layer(points, features, torch.tensor([1.0, 0.5]))
    for b, radius in ((0, 0.4), (1, 0.2)):
        chosen = farthest_point_sampling(points[b : b + 1], 4)[0]
        for j, centre in enumerate(points[b, chosen]):
            distances = (points[b] - centre).norm(dim=-1)
            inside = [i for i in distances.argsort()[:5].tolist() if distances[i] <= radius]
            rows = torch.stack([torch.cat([features[b, i], points[b, i] - centre]) for i in inside])
            assert torch.equal(centres[b, j], centre)
            assert torch.allclose(encoded[b, j], layer.conv.local_nn(rows).amax(dim=0), atol=1e-6)


def test_batch_members_do_not_mix():
    torch.manual_seed(0)
    encoder = PointNet2Encoder(SMALL)
    points = torch.rand(3, 20, 3)
    together, _ = encoder(points)
    alone, _ = encoder(points[1:2])
    assert torch.allclose(together[1:2], alone, atol=1e-6)


def test_propagation_to_the_first_points_only():
    torch.manual_seed(0)
    encoder = PointNet2Encoder(SMALL)
    hierarchy = encoder.abstract(torch.rand(2, 20, 3))
    whole = encoder.propagate(hierarchy, hierarchy.second_features)
    part = encoder.propagate(hierarchy, hierarchy.second_features, 7)
    assert torch.allclose(whole[:, :7], part, atol=1e-6)


def test_object_radii_follow_size_and_size_is_seen():
    torch.manual_seed(0)
    encoder = PointNet2Encoder(COMPACT.geometry)
    points = torch.rand(1, 300, 3) * 0.1
    centres = gather_points(points, farthest_point_sampling(points, 192))
    radius = 0.2 * (points.amax(1) - points.amin(1)).norm(dim=-1) / 2
    _, small = ball_query(points, centres, radius, 16)
    _, large = ball_query(3 * points, 3 * centres, 3 * radius, 16)
    assert torch.equal(small, large)
    assert not torch.allclose(encoder(points)[0], encoder(3 * points)[0], atol=1e-3)


def test_original_layer_widths():
    encoder = PointNet2Encoder(FUNCGRASP_V2.geometry)

    def widths(module):
        return [tuple(p.shape) for p in module.parameters() if p.ndim == 2]

    assert widths(encoder.first) == [(64, 6), (64, 64), (128, 64), (256, 128)]
    assert widths(encoder.second) == [(128, 259), (128, 128), (256, 128), (256, 256)]
    assert widths(encoder.global_layers) == [(512, 256), (256, 512)]
    assert widths(encoder.propagate_first) == [(256, 512), (256, 256)]
    assert widths(encoder.propagate_points) == [(256, 259), (256, 256)]
