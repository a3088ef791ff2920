"""Grasp plans to messages and back."""

import array
from collections.abc import Sequence

import numpy as np
import torch
from std_msgs.msg import Header

from funcgrasp_core.contracts import ContactMap, GraspPlan, PlannedGrasp
from funcgrasp_core.errors import SUCCESS_CODE, FuncGraspError
from funcgrasp_core.hand.mano_layer import HandLayer
from funcgrasp_ros import msg
from funcgrasp_ros.conversions.transforms import (
    matrix_from_pose,
    points_from_array,
    poses_from_matrices,
    vector_from_array,
)

NUM_PARTS = msg.ContactMap.NUM_PARTS


def message_from_plan(plan: GraspPlan, header: Header) -> msg.GraspPlan:
    """The answer to a request that was planned; `header` gives frame and stamp."""
    return msg.GraspPlan(
        header=header,
        code=SUCCESS_CODE,
        notes=list(plan.notes),
        instruction=plan.instruction,
        grasps=_messages_from_grasps(plan.grasps),
        contact_map=message_from_contact_map(plan.contact_map, header),
        timing_names=list(plan.timings),
        timing_seconds=array.array("d", plan.timings.values()),
    )


def message_from_error(error: FuncGraspError, instruction: str, header: Header) -> msg.GraspPlan:
    """The answer to a request that failed: the error's code and its sentence."""
    return msg.GraspPlan(header=header, code=error.code, message=str(error), instruction=instruction)


def message_from_contact_map(contact_map: ContactMap, header: Header) -> msg.ContactMap:
    """Contact map message, points and probabilities in the same order."""
    return msg.ContactMap(
        header=header,
        points=array.array("f", contact_map.points.astype(np.float32).tobytes()),
        probabilities=array.array("f", contact_map.probabilities.astype(np.float32).tobytes()),
    )


def contact_map_from_message(message: msg.ContactMap) -> ContactMap:
    """Contact map with points [N, 3] and probabilities [N, 6], float32."""
    points = np.array(message.points, dtype=np.float32).reshape(-1, 3)
    return ContactMap(points, np.array(message.probabilities, dtype=np.float32).reshape(-1, NUM_PARTS))


def plan_from_message(message: msg.GraspPlan, hand: HandLayer) -> GraspPlan:
    """The plan that a successful answer describes; the hand's vertices are made anew from the MANO vectors.

    Args:
        message: an answer with code SUCCESS.
        hand: the hand layer that the planner used.
    """
    vectors = torch.tensor(np.array([grasp.mano_vector for grasp in message.grasps], dtype=np.float32))
    with torch.no_grad():
        all_vertices = hand.from_vector(vectors).vertices.numpy()
    return GraspPlan(
        frame=message.header.frame_id,
        instruction=message.instruction,
        grasps=tuple(
            _grasp_from_message(grasp, vertices) for grasp, vertices in zip(message.grasps, all_vertices, strict=True)
        ),
        contact_map=contact_map_from_message(message.contact_map),
        hand_faces=hand.closed_faces.cpu().numpy(),
        timings=timings_from_message(message),
        notes=tuple(message.notes),
    )


def timings_from_message(message: msg.GraspPlan) -> dict[str, float]:
    """Seconds by stage."""
    return dict(zip(message.timing_names, (float(seconds) for seconds in message.timing_seconds), strict=True))


def _messages_from_grasps(grasps: Sequence[PlannedGrasp]) -> list[msg.ManoGrasp]:
    # Of all grasps in one go: a call for each value of each grasp takes longer than all else here.
    poses = poses_from_matrices(
        np.array([pose for grasp in grasps for pose in (grasp.wrist_pose, grasp.pregrasp_pose)])
    )
    joints = points_from_array(np.concatenate([grasp.joints for grasp in grasps]))
    num_joints = len(joints) // len(grasps)
    return [
        msg.ManoGrasp(
            mano_vector=np.asarray(grasp.vector, dtype=np.float32),
            side=msg.ManoGrasp.RIGHT,
            score=float(grasp.score),
            score_term_names=list(grasp.score_terms),
            score_term_values=array.array("f", grasp.score_terms.values()),
            wrist_pose=poses[2 * index],
            pregrasp_pose=poses[2 * index + 1],
            approach_direction=vector_from_array(grasp.approach_direction),
            joints=joints[index * num_joints : (index + 1) * num_joints],
        )
        for index, grasp in enumerate(grasps)
    ]


def _grasp_from_message(message: msg.ManoGrasp, vertices: np.ndarray) -> PlannedGrasp:
    direction = message.approach_direction
    return PlannedGrasp(
        vector=np.array(message.mano_vector, dtype=np.float32),
        score=float(message.score),
        score_terms=dict(
            zip(message.score_term_names, (float(value) for value in message.score_term_values), strict=True)
        ),
        joints=np.array([(joint.x, joint.y, joint.z) for joint in message.joints], dtype=np.float32),
        vertices=vertices,
        wrist_pose=matrix_from_pose(message.wrist_pose),
        pregrasp_pose=matrix_from_pose(message.pregrasp_pose),
        approach_direction=np.array([direction.x, direction.y, direction.z]),
    )
