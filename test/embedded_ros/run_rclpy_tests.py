r"""Runs rclpy's own tests, from a checkout of ros2/rclpy, against the subset.

    python test/embedded_ros/run_rclpy_tests.py --rclpy ~/rclpy --interfaces ~/test_interface_files \
        --interfaces ~/rcl_interfaces/test_msgs

Without further arguments it runs the tests that docs/embedded_ros.md lists; test ids given as arguments are run
instead; what follows `--` goes to pytest. What the checkout holds is copied to a temporary folder: beside rclpy's
sources its tests would import those.
"""

import argparse
import itertools
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[2]
LIST = ROOT / "docs" / "embedded_ros.md"
_TEST_ID = re.compile(r"^test/test_\w+\.py::\S+$", re.MULTILINE)


def listed_tests(text: str) -> list[str]:
    """The test ids that stand on lines of their own in a document."""
    return _TEST_ID.findall(text)


def _file_of(test_id: str) -> str:
    return test_id.split("::")[0]


def lay_out(rclpy_checkout: Path, interfaces: list[Path], folder: Path) -> None:
    """Make `folder` hold the tests as a package `test`, and the messages that they use as a ROS package `test_msgs`."""
    tests = rclpy_checkout / "rclpy" / "test"
    if not tests.is_dir():
        raise SystemExit(f"{tests} is not there: --rclpy takes a checkout of https://github.com/ros2/rclpy")
    shutil.copytree(tests, folder / "test")
    # The original looks for rclpy's compiled library.
    (folder / "test" / "__init__.py").write_text("")
    package = folder / "interfaces" / "test_msgs"
    for source in interfaces:
        if not (source / "msg").is_dir():
            raise SystemExit(f"{source}/msg is not there: --interfaces takes a folder that holds msg/ and srv/")
        for kind in ("msg", "srv"):
            if (source / kind).is_dir():
                shutil.copytree(source / kind, package / kind, dirs_exist_ok=True)
        if (source / "src" / "test_msgs").is_dir():
            shutil.copytree(source / "src" / "test_msgs", folder / "test_msgs")
    (package / "package.xml").write_text("<package><name>test_msgs</name></package>\n")


def run_file(folder: Path, test_ids: list[str], options: list[str]) -> dict[str, int]:
    """Run tests of one file in a process of their own, as rclpy's build does; pytest's counts of outcomes."""
    search = [str(folder), str(ROOT / "embedded_ros" / "site"), str(ROOT), os.environ.get("PYTHONPATH", "")]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, search)),
        "EMBEDDED_ROS_PACKAGE_PATH": str(folder / "interfaces" / "test_msgs"),
        "ROS_PYTHON_CHECK_FIELDS": "0",  # rclpy's default; some tests put other objects into messages
        "ROS_DOMAIN_ID": os.environ.get("ROS_DOMAIN_ID") or str(1 + os.getpid() % 230),
    }
    report = folder / "report.xml"
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", str(folder)]
    subprocess.run([*command, f"--junitxml={report}", *options, *test_ids], cwd=folder, env=environment)
    if not report.exists():
        return {"tests": 0, "errors": 1}
    suite = next(iter(ElementTree.parse(report).getroot()))
    return {name: int(suite.attrib[name]) for name in ("tests", "failures", "errors", "skipped")}


def main() -> int:
    """Run the listed tests, or those that are named; 0 if all pass."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rclpy", type=Path, required=True, help="checkout of ros2/rclpy, branch jazzy")
    parser.add_argument(
        "--interfaces", type=Path, action="append", required=True,
        help="folder with msg/ and srv/ of test_msgs; may be given several times",
    )  # fmt: skip
    parser.add_argument("tests", nargs="*", help="test ids such as test/test_time.py::TestTime (default: the list)")
    given = sys.argv[1:]
    end = given.index("--") if "--" in given else len(given)
    arguments, options = parser.parse_args(given[:end]), given[end + 1 :]
    test_ids = arguments.tests or listed_tests(LIST.read_text(encoding="utf-8"))
    totals: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        lay_out(arguments.rclpy, arguments.interfaces, Path(folder))
        # The order within a file is kept: some of rclpy's tests build on those before them.
        for _, group in itertools.groupby(sorted(test_ids, key=_file_of), key=_file_of):
            totals.update(run_file(Path(folder), list(group), options))
    print(", ".join(f"{count} {name}" for name, count in totals.items()))
    return 1 if totals["failures"] or totals["errors"] or not totals["tests"] else 0


if __name__ == "__main__":
    sys.exit(main())
