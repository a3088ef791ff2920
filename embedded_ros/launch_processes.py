"""Launch actions that start processes: programs and nodes."""

import contextlib
import ctypes
import itertools
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

import yaml

from embedded_ros.arguments import load_ros_yaml
from embedded_ros.launch_actions import Action
from embedded_ros.launch_scopes import join_namespaces
from embedded_ros.launch_substitutions import LaunchConfiguration, LaunchContext, Substitution, text_of
from embedded_ros.packages import find_executable

_PR_SET_PDEATHSIG = 1
_process_numbers = itertools.count(1)


class ExecuteProcess(Action):
    """Start a program; its output is printed line by line behind its name.

    The launch configurations `sigterm_timeout` and `sigkill_timeout` say how many seconds it has to end after SIGINT,
    and then after SIGTERM (5 each).
    """

    def __init__(self, *, cmd: Iterable[Any], name: Any = None, output: Any = "log", **kwargs: Any):
        super().__init__(**kwargs)
        self.cmd, self.name, self.output = list(cmd), name, output
        self.process_name = self.process_command = ""
        self.process: subprocess.Popen | None = None
        self.stop_timeouts = (5.0, 5.0)
        self.sent_signals: set[int] = set()

    def command(self, context: LaunchContext, files: list[IO[str]]) -> list[str]:
        """The program and its arguments; `files` gets those that it is to inherit, as /dev/fd/<number>."""
        return [text_of(context, part) for part in self.cmd]

    def execute(self, context: LaunchContext) -> None:
        """Start the program."""
        files: list[IO[str]] = []
        command = self.command(context, files)
        program = next((part for part in command if part != sys.executable), sys.executable)
        stem = text_of(context, self.name) if self.name else Path(program).name
        self.process_name = f"{stem}-{next(_process_numbers)}"
        self.process_command = shlex.join(command)
        first, second = (
            float(text_of(context, LaunchConfiguration(f"{number}_timeout", default="5")))
            for number in ("sigterm", "sigkill")
        )
        self.stop_timeouts = (first, second)
        self.process = process = subprocess.Popen(
            # Lines must arrive when they are printed, not when a buffer is full.
            command, env={"PYTHONUNBUFFERED": "1", **os.environ}, pass_fds=[file.fileno() for file in files],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            # A session of its own: Ctrl-C in a terminal reaches the launcher alone, which hands it down once.
            start_new_session=True, preexec_fn=_die_with_parent,
        )  # fmt: skip
        for file in files:
            file.close()
        context.service.process_started(self, process.pid)
        is_shown = text_of(context, self.output) != "log"
        readers = [
            self._pump(context, process.stdout, sys.stdout, is_shown),
            self._pump(context, process.stderr, sys.stderr, True),
        ]
        threading.Thread(target=self._wait, args=(context, process, readers), daemon=True).start()

    def _pump(self, context: LaunchContext, source: IO[bytes] | None, sink: Any, is_shown: bool) -> threading.Thread:
        def copy_lines() -> None:
            assert source is not None
            with source:
                for line in source:
                    if is_shown:
                        context.service.write(sink, f"[{self.process_name}] {line.decode(errors='replace').rstrip()}")

        thread = threading.Thread(target=copy_lines, daemon=True)
        thread.start()
        return thread

    def _wait(self, context: LaunchContext, process: subprocess.Popen, readers: list[threading.Thread]) -> None:
        returncode = process.wait()
        for reader in readers:
            reader.join(timeout=1.0)
        context.service.process_ended(self, process.pid, returncode)

    def signal(self, number: int) -> None:
        """Send a signal if the process still runs; SIGKILL also reaches the processes that it started."""
        process = self.process
        if process is None or process.poll() is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            if number == signal.SIGKILL:
                os.killpg(process.pid, number)
            else:
                process.send_signal(number)


class ParameterValue:
    """A parameter whose type, one of str, bool, int and float, is not left to YAML."""

    def __init__(self, value: Any, *, value_type: Any = None):
        self.value, self.value_type = value, value_type

    def evaluate(self, context: LaunchContext) -> Any:
        """The value in its type."""
        value = _evaluate(context, self.value, is_text=self.value_type is str)
        if self.value_type in (None, str):
            return value
        if self.value_type is float and type(value) is int:
            return float(value)
        if type(value) is not self.value_type:
            raise ValueError(f"Cannot convert value '{value}' to a parameter of type '{self.value_type}'")
        return value


class Node(ExecuteProcess):
    """Start a node of a package."""

    def __init__(
        self, *, executable: Any, package: Any = None, name: Any = None, namespace: Any = None,
        parameters: Iterable[Any] | None = None, remappings: Iterable[tuple[Any, Any]] | None = None,
        arguments: Iterable[Any] | None = None, **kwargs: Any,
    ):  # fmt: skip
        super().__init__(cmd=[executable, *(arguments or [])], **kwargs)
        self.package, self.node_name, self.namespace = package, name, namespace
        self.parameters, self.remappings = list(parameters or []), list(remappings or [])

    def command(self, context: LaunchContext, files: list[IO[str]]) -> list[str]:
        """The executable in this Python, its arguments, and name, namespace, parameters and remappings."""
        program, *arguments = super().command(context, files)
        if self.package is not None:
            program = str(find_executable(text_of(context, self.package), program))
        interpreter = [sys.executable] if _is_python(Path(program)) else []
        rest = []
        if self.node_name is not None:
            rest += ["-r", f"__node:={text_of(context, self.node_name)}"]
        namespace = text_of(context, self.namespace) if self.namespace is not None else ""
        namespace = join_namespaces(context.ros_namespace, namespace)
        if namespace:
            rest += ["-r", f"__ns:={namespace if namespace.startswith('/') else '/' + namespace}"]
        for entry in [{name: value} for name, value in context.ros_parameters] + self.parameters:
            if isinstance(entry, dict):
                files.append(_parameter_file(context, entry))
                entry = f"/dev/fd/{files[-1].fileno()}"
            rest += ["--params-file", text_of(context, entry)]
        for source, target in [*context.ros_remaps, *self.remappings]:
            rest += ["-r", f"{text_of(context, source)}:={text_of(context, target)}"]
        return [*interpreter, program, *arguments, "--ros-args", *rest]


class LifecycleNode(Node):
    """Start a managed node."""

    def __init__(self, *, name: Any, namespace: Any, **kwargs: Any):
        super().__init__(name=name, namespace=namespace, **kwargs)


def _evaluate(context: LaunchContext, value: Any, is_text: bool = False) -> Any:
    """A parameter's value; substitutions are read as YAML unless they are to stay text."""
    if isinstance(value, ParameterValue):
        return value.evaluate(context)
    if isinstance(value, dict):
        return {text_of(context, key): _evaluate(context, item) for key, item in value.items()}
    is_joined = isinstance(value, (list, tuple)) and any(isinstance(item, Substitution) for item in value)
    if isinstance(value, Substitution) or is_joined:
        text = text_of(context, value)
        return text if is_text else load_ros_yaml(text)
    return list(value) if isinstance(value, tuple) else value


def _parameter_file(context: LaunchContext, parameters: dict) -> IO[str]:
    """A parameter file without a name, so that nothing is left of it however the launch ends."""
    values = {text_of(context, name): _evaluate(context, value) for name, value in parameters.items()}
    file = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 (closed once the node has it)
    yaml.safe_dump({"/**": {"ros__parameters": values}}, file)
    file.seek(0)
    return file


def _is_python(program: Path) -> bool:
    """Whether a program is a Python script, which is run by the interpreter that runs the launcher."""
    if not program.is_file():
        return False
    with program.open("rb") as file:
        first_line = file.readline(128)
    return program.suffix == ".py" or (first_line.startswith(b"#!") and b"python" in first_line)


_set_parent_death_signal = getattr(ctypes.CDLL(None), "prctl", None)


def _die_with_parent() -> None:
    """Runs in the child: a launcher that is killed takes its processes along (on Linux)."""
    if _set_parent_death_signal is not None:
        _set_parent_death_signal(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
