import torch

from funcgrasp_core.grasp_model.named_configs import DEBUG
from funcgrasp_core.grasp_model.semantic_encoder import CompactSemanticEncoder


def make_encoder() -> CompactSemanticEncoder:
    assert DEBUG.semantic is not None
    torch.manual_seed(0)
    return CompactSemanticEncoder(DEBUG.semantic, 24).eval()


def test_shape_and_use_of_views_and_text():
    encoder = make_encoder()
    images, mask = torch.rand(2, 6, 3, 16, 16), torch.ones(2, 6, dtype=torch.bool)
    features = encoder.encode_views(images)
    encoded = encoder(features, mask, ["lift it", "hold it"])
    assert encoded.shape == (2, 24)
    assert not torch.allclose(encoded, encoder(features, mask, ["lift it", "drink"]))
    other_views = encoder.encode_views(1 - images)
    assert not torch.allclose(encoded, encoder(other_views, mask, ["lift it", "hold it"]))


def test_pictures_of_missing_views_are_not_looked_at():
    encoder = make_encoder()
    mask = torch.tensor([[True, False, True, True, True, False]])
    images = torch.rand(1, 6, 3, 16, 16)
    changed = images.clone()
    changed[:, [1, 5]] = torch.rand(1, 2, 3, 16, 16)
    encoded, again = (encoder(encoder.encode_views(pictures), mask, ["lift it"]) for pictures in (images, changed))
    assert torch.equal(encoded, again)
