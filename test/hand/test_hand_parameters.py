import math

import pytest
import torch

from funcgrasp_core.geometry.rotations import axis_angle_to_matrix
from funcgrasp_core.hand.hand_parameters import (
    AxisAngleParameterisation,
    HandParameterisation,
    JointBasisParameterisation,
    join_vector,
    split_vector,
)
from funcgrasp_core.hand.mano_layer import ManoLayer
from funcgrasp_core.hand.palm_frame import palm_frame


def random_vectors(count: int) -> torch.Tensor:
    vectors = 0.4 * torch.randn(count, 61, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    vectors[0, :3] = torch.tensor([0.0, math.pi - 1e-4, 0.0])
    vectors[1] = 0
    return vectors


def test_pieces_of_the_vector():
    vector = torch.arange(61.0)
    parameters = split_vector(vector)
    assert parameters.pose[-1] == 47
    assert parameters.shape.tolist() == list(range(48, 58))
    assert parameters.translation.tolist() == [58, 59, 60]
    assert torch.equal(join_vector(*parameters), vector)


@pytest.mark.parametrize("name", ["axis_angle", "joint_basis"])
def test_decoding_undoes_encoding(reference_assets, name):
    forms: dict[str, HandParameterisation] = {
        "axis_angle": AxisAngleParameterisation(),
        "joint_basis": JointBasisParameterisation(reference_assets),
    }
    form, vectors = forms[name], random_vectors(6)
    encoded = form.encode(vectors)
    assert encoded.shape == (6, form.size)
    torch.testing.assert_close(form.decode(encoded), vectors, atol=1e-6, rtol=0)


def test_joint_basis_by_hand(reference_assets):
    form = JointBasisParameterisation(reference_assets)
    vectors = random_vectors(3)
    encoded = form.encode(vectors)
    rotation = axis_angle_to_matrix(vectors[:, :3])
    torch.testing.assert_close(encoded[:, :3], rotation[:, :, 0])
    torch.testing.assert_close(encoded[:, 3:6], rotation[:, :, 1])
    palm_in_wrist = palm_frame(reference_assets)[0]
    expected = vectors[:, 58:] + (rotation @ palm_in_wrist)
    torch.testing.assert_close(encoded[:, 51:54], expected, atol=1e-7, rtol=0)
    torch.testing.assert_close(encoded[:, 54:], vectors[:, 48:58])


def test_hand_is_the_same_when_rotation_columns_are_scaled(reference_assets):
    form, layer = JointBasisParameterisation(reference_assets), ManoLayer(reference_assets)
    vectors = random_vectors(4)
    encoded = form.encode(vectors)
    encoded[:, :6] *= 3
    decoded = layer.from_vector(form.decode(encoded)).vertices
    torch.testing.assert_close(decoded, layer.from_vector(vectors).vertices, atol=1e-6, rtol=0)


def test_decoding_is_differentiable(reference_assets):
    form = JointBasisParameterisation(reference_assets)
    encoded = form.encode(random_vectors(4))[2:].requires_grad_()
    assert torch.autograd.gradcheck(form.decode, (encoded,))
