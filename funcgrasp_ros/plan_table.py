"""The planner's answers as text for a terminal."""

from funcgrasp_core.errors import error_codes
from funcgrasp_ros import msg


def plan_table(plan: msg.GraspPlan) -> str:
    """A successful answer as a table: rank, score and its terms, wrist position in millimetres."""
    terms = list(plan.grasps[0].score_term_names)
    heading = ["rank", "score", *terms, "wrist x, y, z [mm]"]
    rows = [heading]
    for rank, grasp in enumerate(plan.grasps, start=1):
        position = grasp.wrist_pose.position
        wrist = ", ".join(f"{1000 * value:.0f}" for value in (position.x, position.y, position.z))
        rows.append([str(rank), f"{grasp.score:.3f}", *(f"{value:.3f}" for value in grasp.score_term_values), wrist])
    widths = [max(len(row[column]) for row in rows) for column in range(len(heading))]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    stages = ", ".join(
        f"{name} {seconds:.3f} s" for name, seconds in zip(plan.timing_names, plan.timing_seconds, strict=True)
    )
    return "\n".join([f'"{plan.instruction}" in frame {plan.header.frame_id}', *lines, f"time: {stages}", *plan.notes])


def refusal_text(plan: msg.GraspPlan) -> str:
    """A refusal as one line: the code's name, its number and the sentence."""
    names = {number: name for name, number in error_codes().items()}
    return f"{names.get(plan.code, 'UNKNOWN')} ({plan.code}): {plan.message}"
