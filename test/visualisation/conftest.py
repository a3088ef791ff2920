import numpy as np
import pytest

from funcgrasp_core.contracts import ContactMap, GraspPlan, PlannedGrasp
from funcgrasp_core.hand.mano_layer import ManoLayer


@pytest.fixture(scope="session")
def plan():
    """Two open hands beside a few points; the first point is touched by the index finger, the others by nothing."""
    import torch

    layer = ManoLayer()
    vectors = torch.zeros(2, 61)
    vectors[:, 58:] = torch.tensor([[0.01, 0.02, 0.03], [0.01, 0.02, 0.09]])
    hand = layer.from_vector(vectors)
    poses = hand.transforms[:, 0].numpy()
    grasps = tuple(
        PlannedGrasp(
            vector=vectors[rank].numpy(),
            score=0.9 - 0.25 * rank,
            score_terms={"agreement": 0.8, "touch": 1.0},
            joints=hand.joints[rank].numpy(),
            vertices=hand.vertices[rank].numpy(),
            wrist_pose=poses[rank],
            pregrasp_pose=poses[rank],
            approach_direction=np.array([0.0, -1.0, 0.0]),
        )
        for rank in range(2)
    )
    points = np.random.default_rng(0).uniform(-0.03, 0.03, size=(50, 3)).astype(np.float32)
    probabilities = np.zeros((50, 6), dtype=np.float32)
    probabilities[0, 2] = 1.0
    return GraspPlan(
        frame="table",
        instruction="drink & <script>alert(1)</script>",
        grasps=grasps,
        contact_map=ContactMap(points, probabilities),
        hand_faces=layer.closed_faces.numpy(),
        timings={"sample": 0.25, "total": 0.5},
        notes=("No views were given.",),
    )
