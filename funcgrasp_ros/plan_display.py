"""Shows plans a little later than they are answered, in a thread of its own."""

import queue
import threading
import time
from collections.abc import Callable

from rclpy.node import Node

SHOWING_DELAY_S = 0.03
"""Plans are shown this much later than they are answered: turning meshes into messages must not hold up the answer, nor
the next request of a client that asks again at once."""


class PlanDisplay:
    """Publishes in the background, one after another. Where plans come faster, only the newest is shown.

    Args:
        node: whose log tells what could not be published.
    """

    def __init__(self, node: Node):
        self._node = node
        self._newest: Callable[[], None] | None = None
        self._is_closed = False
        # Handing over to it must cost next to nothing, which rules out the executors of concurrent.futures.
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="plan_display", daemon=True)
        self._thread.start()

    def show(self, publish: Callable[[], None], is_only_shown: bool) -> None:
        """Calls `publish` soon.

        Args:
            publish: may raise; that is logged.
            is_only_shown: nothing else tells it, so it is shown even if something newer is to be shown already.
        """
        self._newest = publish
        due_s = time.monotonic() + SHOWING_DELAY_S
        self._work.put(lambda: self._publish(publish, due_s, is_only_shown))

    def wait(self) -> None:
        """Until all that was given to `show` is shown, or the display closed."""
        is_done = threading.Event()
        self._work.put(is_done.set)
        while self._thread.is_alive() and not is_done.wait(0.1):
            pass

    def close(self) -> None:
        """Drops what is still to be shown and ends the thread."""
        self._is_closed = True
        self._work.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            work()
            # What it holds, a plan with its meshes, is not kept until the next comes.
            del work

    def _publish(self, publish: Callable[[], None], due_s: float, is_only_shown: bool) -> None:
        if self._is_closed or (publish is not self._newest and not is_only_shown):
            return
        time.sleep(max(0.0, due_s - time.monotonic()))
        try:
            publish()
        except Exception as error:
            # A signal may have ended ROS meanwhile; nobody looks then.
            if self._node.context.ok():
                self._node.get_logger().error(f"The plan could not be published: {error!r}")
        if publish is self._newest:
            self._newest = None
