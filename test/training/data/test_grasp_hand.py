import pytest
import torch

from funcgrasp_core.hand.joint_limits import JOINT_UPPER_RAD
from funcgrasp_core.hand.mano_layer import ManoLayer
from training.data.grasping_hand import GraspingHand, HandPoses
from training.data.hand_contact_groups import rest_vertex_normals
from training.data.hand_interior import depths_inside, winding_numbers
from training.data.hand_self_contact import HandSelfContact

CUBE = torch.tensor([[x, y, z] for x in (0.0, 1.0) for y in (0.0, 1.0) for z in (0.0, 1.0)])
CUBE_FACES = torch.tensor(
    [
        [0, 1, 3],
        [0, 3, 2],
        [4, 6, 7],
        [4, 7, 5],
        [0, 4, 5],
        [0, 5, 1],
        [2, 3, 7],
        [2, 7, 6],
        [0, 2, 6],
        [0, 6, 4],
        [1, 5, 7],
        [1, 7, 3],
    ]
)


@pytest.fixture(scope="module")
def hand() -> GraspingHand:
    return GraspingHand(ManoLayer())


def poses(angles: torch.Tensor) -> HandPoses:
    count = len(angles)
    return HandPoses(torch.eye(3).expand(count, 3, 3), torch.zeros(count, 3), angles, torch.zeros(count, 10))


def test_every_pad_has_skin_and_pads_do_not_overlap(hand):
    assert len(hand.groups) == 16
    assert min(len(indices) for indices in hand.groups.values()) >= 4
    everything = torch.cat(list(hand.groups.values()))
    assert len(everything.unique()) == len(everything)


def test_palm_pad_looks_out_of_the_palm(hand):
    normals = rest_vertex_normals(hand.layer.assets)[hand.groups["palm"]]
    assert (normals @ hand.palm[:, 1]).min() > 0.5


def test_palm_axes_are_a_rotation(hand):
    assert torch.allclose(hand.palm @ hand.palm.T, torch.eye(3), atol=1e-5)
    assert torch.linalg.det(hand.palm) == pytest.approx(1.0, abs=1e-5)


def test_posed_hand_agrees_with_its_mano_vector(hand):
    generator = torch.Generator().manual_seed(3)
    rotation = torch.linalg.qr(torch.randn(2, 3, 3, generator=generator)).Q
    rotation = rotation * torch.linalg.det(rotation)[:, None, None]
    given = HandPoses(
        rotation,
        torch.randn(2, 3, generator=generator),
        0.3 * torch.randn(2, 15, 3, generator=generator),
        torch.randn(2, 10, generator=generator),
    )
    assert torch.allclose(hand(given).vertices, hand.layer.from_vector(hand.mano_vectors(given)).vertices, atol=2e-5)


def test_skin_normals_follow_the_posed_mesh(hand):
    state = hand(poses(0.5 * JOINT_UPPER_RAD[None]))
    corners = state.vertices[0][hand.layer.closed_faces]
    face_normals = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0], dim=-1)
    vertex_normals = torch.zeros_like(state.vertices[0])
    for corner in range(3):
        vertex_normals.index_add_(0, hand.layer.closed_faces[:, corner], face_normals)
    agreement = (torch.nn.functional.normalize(vertex_normals, dim=-1) * hand.skin_normals(state)[0]).sum(-1)
    assert agreement.median() > 0.97


def test_open_hand_does_not_touch_itself_but_a_twisted_one_does(hand):
    self_contact = HandSelfContact(hand)
    open_hand, twisted = torch.zeros(1, 15, 3), torch.zeros(1, 15, 3)
    twisted[0, 0, 1], twisted[0, 3, 1] = 0.5, -0.5  # index and middle cross, one way or the other
    twisted[0, 0, 1], twisted[0, 3, 1] = -0.5, 0.5
    other_way = -twisted
    assert self_contact(hand(poses(open_hand))).max() == pytest.approx(0.0, abs=1e-6)
    assert max(self_contact(hand(poses(turned))).max() for turned in (twisted, other_way)) > 0.003


def test_winding_number_of_a_cube():
    points = torch.tensor([[0.5, 0.5, 0.5], [0.1, 0.9, 0.2], [1.5, 0.5, 0.5], [-0.2, -0.2, 0.5]])
    assert winding_numbers(points, CUBE, CUBE_FACES).tolist() == pytest.approx([1, 1, 0, 0], abs=1e-5)


def test_depth_inside_a_cube_is_the_distance_to_its_side():
    points = torch.tensor([[0.5, 0.5, 0.9], [0.1, 0.5, 0.5], [0.5, 0.5, 1.1]])
    assert depths_inside(points, CUBE, CUBE_FACES).tolist() == pytest.approx([0.1, 0.1, 0.0], abs=1e-5)


def test_depths_of_no_point_are_empty():
    assert depths_inside(torch.zeros(0, 3), CUBE, CUBE_FACES).shape == (0,)
