import torch

from funcgrasp_core.contracts import PART_NAMES
from funcgrasp_core.hand.hand_parts import JOINT_PART_LABELS, vertex_part_labels
from funcgrasp_core.hand.mano_assets import FINGER_CHAINS
from funcgrasp_core.hand.mano_layer import ManoLayer


def test_every_tip_belongs_to_its_finger(reference_assets):
    labels = vertex_part_labels(reference_assets)
    assert labels.shape == (778,)
    assert labels.dtype == torch.long
    tips = labels[list(reference_assets.tip_vertices)].tolist()
    assert [PART_NAMES[label] for label in tips] == ["thumb", "index", "middle", "ring", "pinky"]


def test_every_part_has_a_fair_share_and_the_wrist_is_palm(reference_assets):
    labels = vertex_part_labels(reference_assets)
    assert (labels.bincount(minlength=6) >= 50).all()
    on_wrist = torch.as_tensor(reference_assets.v_template[:, 0]) > reference_assets.rest_joints[0, 0]
    assert (labels[on_wrist] == PART_NAMES.index("palm")).all()


def test_parts_lie_in_blocks_in_mano_order(reference_assets):
    labels = vertex_part_labels(reference_assets).double()
    places = torch.arange(778).double()
    centres = [
        places[labels == PART_NAMES.index(part)].mean() for part in ("index", "middle", "ring", "pinky", "thumb")
    ]
    assert centres == sorted(centres)


def test_joint_labels_follow_the_order_of_the_21():
    joints = ManoLayer()(torch.zeros(1, 48), torch.zeros(1, 10)).joints[0]
    assert len(joints) == len(JOINT_PART_LABELS) == 21
    names = [PART_NAMES[label] for label in JOINT_PART_LABELS.tolist()]
    assert names == ["palm"] + [finger for finger in FINGER_CHAINS for _ in range(4)]
