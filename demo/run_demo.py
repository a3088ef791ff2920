"""Plans two grasps of a recorded mug over ROS topics and checks them: `make demo`.

Starts the planner through launch/planner.launch.py and the player of the recorded scene, asks for two plans from this
process, prints both tables, writes `out/demo/<instruction>/{plan.json, plan.html, plan.png}` and measures the best hand
of each against the exact object. Exit code 0 only if both grasps are good.
"""

import argparse
import re
import sys
import time

import rclpy

from demo.check_grasp import ExactObject, check_grasp, read_exact_object
from demo.child_processes import ChildProcess
from demo.ros_runtime import ROOT, choose_domain, launch_command
from funcgrasp_core.assets import DEMO_RECORDING, asset_path
from funcgrasp_core.errors import SUCCESS_CODE
from funcgrasp_core.hand.mano_layer import ManoLayer
from funcgrasp_core.visualisation.plan_files import write_plan_folder
from funcgrasp_ros import msg
from funcgrasp_ros.clean_ending import end_ros
from funcgrasp_ros.conversions.grasp_plans import plan_from_message
from funcgrasp_ros.plan_grasp_client import PlanGraspClient
from funcgrasp_ros.plan_table import plan_table, refusal_text

OUTPUT = ROOT / "out" / "demo"

INSTRUCTIONS = {"drink from the mug": "handle", "hold the mug": "body"}
"""What is asked, and the part of the mug that the hand should be on then."""

START_PATIENCE_S = 60.0
PLAN_PATIENCE_S = 20.0
RETRY_PAUSE_S = 0.2
CAMERA_PATIENCE_S = 1.0
WARM_UP_INSTRUCTION = "hold the mug"


def is_up(client: PlanGraspClient, planner: ChildProcess) -> bool:
    """Waits for the planner's service, as long as the launch runs."""
    deadline_s = time.monotonic() + START_PATIENCE_S
    while time.monotonic() < deadline_s and not planner.has_ended():
        if client.wait_for_planner(RETRY_PAUSE_S):
            return True
    return False


def wait_for_scene(client: PlanGraspClient) -> None:
    """Asks until the planner has heard of the object, and lets every camera be heard after that."""
    deadline_s = time.monotonic() + START_PATIENCE_S
    while True:
        answer = client.plan(msg.GraspRequest(instruction=WARM_UP_INSTRUCTION, num_candidates=1), PLAN_PATIENCE_S)
        if answer.code != msg.GraspPlan.NO_CLOUD or time.monotonic() > deadline_s:
            time.sleep(CAMERA_PATIENCE_S)
            return
        time.sleep(RETRY_PAUSE_S)


def plan_and_check(
    client: PlanGraspClient, instruction: str, part: str, exact_object: ExactObject, hand: ManoLayer
) -> list[str]:
    """Plans, prints, writes and measures one instruction. Returns what is wrong with it."""
    answer = client.plan(msg.GraspRequest(instruction=instruction), PLAN_PATIENCE_S)
    if answer.code != SUCCESS_CODE:
        return [f'"{instruction}" was refused: {refusal_text(answer)}']
    print(f"\n{plan_table(answer)}", flush=True)
    plan = plan_from_message(answer, hand)
    folder = OUTPUT / re.sub(r"[^a-z0-9]+", "-", instruction.lower()).strip("-")
    write_plan_folder(plan, folder, object_mesh=exact_object.mesh(), with_picture=True)
    check = check_grasp(plan.grasps[0].vertices, plan.hand_faces, exact_object)
    print(f"best grasp: {check.summary()}\nfiles: {folder.relative_to(ROOT)}", flush=True)
    return [f'"{instruction}": {failure}' for failure in check.failures(part)]


def run() -> list[str]:
    """The whole demo but its parting words. Returns what is wrong."""
    player = ChildProcess([sys.executable, str(ROOT / "scripts" / "scene_player")])
    planner = ChildProcess(launch_command(ROOT / "launch" / "planner.launch.py"))
    with planner, player:
        exact_object, hand = read_exact_object(asset_path(DEMO_RECORDING)), ManoLayer()
        rclpy.init()
        try:
            client = PlanGraspClient(rclpy.create_node("demo"))
            if not is_up(client, planner):
                return [f"The planner ended or has not come up within {START_PATIENCE_S:g} s; its log is above."]
            failures = []
            wait_for_scene(client)
            for instruction, part in INSTRUCTIONS.items():
                failures += plan_and_check(client, instruction, part, exact_object, hand)
            return failures
        finally:
            end_ros()


def main() -> int:
    """Runs the demo. Exit code 1: a grasp is not good enough."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    start_s = time.monotonic()
    choose_domain()
    failures = run()
    for failure in failures:
        print(f"FAILED: {failure}", file=sys.stderr)
    print(f"\nThe demo {'failed' if failures else 'succeeded'} after {time.monotonic() - start_s:.0f} s.", flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
