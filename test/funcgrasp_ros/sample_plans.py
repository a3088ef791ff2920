"""Plans made without a model: real hands at made-up places."""

import functools

import numpy as np
import torch

from funcgrasp_core.contracts import ContactMap, GraspPlan, GraspRequest, ObjectObservation, PlannedGrasp
from funcgrasp_core.hand.mano_layer import ManoLayer
from funcgrasp_core.preprocessing.instruction import clean_instruction
from funcgrasp_core.preprocessing.object_cloud import prepare_cloud


@functools.cache
def reference_hand() -> ManoLayer:
    return ManoLayer()


def sample_plan(instruction="hold it", num_grasps=3, centre=(0.0, 0.0, 0.0), frame="table", seed=0) -> GraspPlan:
    """Grasps whose wrists stand around `centre`; the same arguments give the same plan."""
    generator = np.random.default_rng(seed)
    vectors = np.zeros((num_grasps, 61), dtype=np.float32)
    vectors[:, :48] = generator.normal(0, 0.2, (num_grasps, 48))
    vectors[:, 58:] = generator.normal(0, 0.1, (num_grasps, 3)) + centre
    hand = reference_hand()
    with torch.no_grad():
        geometry = hand.from_vector(torch.from_numpy(vectors))
    grasps = tuple(_grasp(vectors[rank], geometry, rank, num_grasps) for rank in range(num_grasps))
    points = (generator.normal(0, 0.03, (50, 3)) + centre).astype(np.float32)
    return GraspPlan(
        frame=frame,
        instruction=instruction,
        grasps=grasps,
        contact_map=ContactMap(points, generator.random((50, 6)).astype(np.float32)),
        hand_faces=hand.closed_faces.numpy(),
        timings={"sample": 0.25, "total": 0.5},
        notes=("Nothing was dropped.",),
    )


def _grasp(vector, geometry, rank, num_grasps) -> PlannedGrasp:
    wrist_pose = np.eye(4)
    wrist_pose[:3, 3] = vector[58:]
    pregrasp_pose = wrist_pose.copy()
    pregrasp_pose[2, 3] += 0.1
    return PlannedGrasp(
        vector=vector,
        score=1.0 - rank / num_grasps,
        score_terms={"agreement": 0.5, "clearance": 0.25},
        joints=geometry.joints[rank].numpy(),
        vertices=geometry.vertices[rank].numpy(),
        wrist_pose=wrist_pose,
        pregrasp_pose=pregrasp_pose,
        approach_direction=np.array([0.0, 0.0, -1.0]),
    )


class SamplePlanner:
    """Stands in for the model: prepares the input as the real planner does, then gives a sample plan."""

    def __init__(self, before_planning=lambda: None):
        self.before_planning = before_planning
        self.observations: list[ObjectObservation] = []

    def plan(self, observation: ObjectObservation, request: GraspRequest) -> GraspPlan:
        self.before_planning()
        clean_instruction(request.instruction)
        cloud = prepare_cloud(observation.points, seed=request.seed, num_points=64)
        self.observations.append(observation)
        plan = sample_plan(
            request.instruction, request.num_candidates, cloud.origin, observation.frame, seed=request.seed
        )
        return GraspPlan(**{**vars(plan), "notes": cloud.notes})
