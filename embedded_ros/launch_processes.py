"""Launch actions that start processes: programs and nodes."""

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
from embedded_ros.errors import NotInSubsetError
from embedded_ros.launch_actions import Action, Event, EventHandler
from embedded_ros.launch_scopes import join_namespaces
from embedded_ros.launch_substitutions import LaunchConfiguration, LaunchContext, Substitution, text_of
from embedded_ros.packages import find_executable

_PR_SET_PDEATHSIG = 1
_process_numbers = itertools.count(1)


class ProcessEvent(Event):
    """Something that happened to a process."""

    def __init__(self, action: "ExecuteProcess", pid: int, returncode: int | None = None):
        self.action, self.pid, self.returncode = action, pid, returncode
        self.process_name = action.process_name


class ProcessExited(ProcessEvent):
    """A process has ended with `returncode`."""


class ProcessStarted(ProcessEvent):
    """A process runs."""


class OnProcessStart(EventHandler):
    """When a process was started."""

    def __init__(self, *, target_action: Any = None, on_start: Any):
        super().__init__(ProcessStarted, on_start, target_action)


class OnProcessExit(EventHandler):
    """When a process has ended."""

    def __init__(self, *, target_action: Any = None, on_exit: Any):
        super().__init__(ProcessExited, on_exit, target_action)


class ExecuteProcess(Action):
    """Start a program; its output is printed line by line behind its name."""

    def __init__(
        self, *, cmd: Iterable[Any], name: Any = None, cwd: Any = None, env: dict | None = None,
        additional_env: dict | None = None, output: Any = "log", on_exit: Any = None,
        sigterm_timeout: Any = None, sigkill_timeout: Any = None, shell: bool = False,
        **kwargs: Any,
    ):  # fmt: skip
        condition = kwargs.pop("condition", None)
        if kwargs:
            raise NotInSubsetError(f"the argument {sorted(kwargs)} of {type(self).__name__}")
        super().__init__(condition=condition)
        self.cmd, self.name, self.cwd, self.env, self.additional_env = list(cmd), name, cwd, env, additional_env or {}
        self.output, self.on_exit, self.shell = output, on_exit, shell
        self.sigterm_timeout = sigterm_timeout or LaunchConfiguration("sigterm_timeout", default="5")
        self.sigkill_timeout = sigkill_timeout or LaunchConfiguration("sigkill_timeout", default="5")
        self.process_name = ""
        self.process_command = ""
        self.process: subprocess.Popen | None = None
        self.stop_timeouts = (5.0, 5.0)
        self.sent_signals: set[int] = set()

    def command(self, context: LaunchContext) -> list[str]:
        """The program and its arguments."""
        return [text_of(context, part) for part in self.cmd]

    def execute(self, context: LaunchContext) -> None:
        """Start the program."""
        command = self.command(context)
        stem = text_of(context, self.name) if self.name else Path(self._display_name(command)).name
        self.process_name = f"{stem}-{next(_process_numbers)}"
        base = context.environment if self.env is None else _texts(context, self.env)
        # Lines must arrive when they are printed, not when a buffer is full.
        environment = {"PYTHONUNBUFFERED": "1", **base, **_texts(context, self.additional_env)}
        self.stop_timeouts = (
            float(text_of(context, self.sigterm_timeout)), float(text_of(context, self.sigkill_timeout)),
        )  # fmt: skip
        self.process = process = subprocess.Popen(
            " ".join(command) if self.shell else command, env=environment, shell=self.shell,
            cwd=text_of(context, self.cwd) if self.cwd else None, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            # A session of its own: Ctrl-C in a terminal reaches the launcher alone, which hands it down once.
            start_new_session=True, preexec_fn=_die_with_parent,
        )  # fmt: skip
        self.process_command = shlex.join(command)
        context.service.process_started(self)
        shown = text_of(context, self.output)
        readers = [
            self._pump(context, process.stdout, sys.stdout, shown != "log"),
            self._pump(context, process.stderr, sys.stderr, True),
        ]
        threading.Thread(target=self._wait, args=(context, process, readers), daemon=True).start()

    def _display_name(self, command: list[str]) -> str:
        return command[0]

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
        context.service.emit(ProcessExited(self, process.pid, returncode))

    def signal(self, number: int) -> None:
        """Send a signal if the process still runs; SIGKILL also reaches the processes that it started."""
        process = self.process
        if process is None or process.poll() is not None:
            return
        try:
            if number == signal.SIGKILL:
                os.killpg(process.pid, number)
            else:
                process.send_signal(number)
        except ProcessLookupError:
            return


class ParameterValue:
    """A parameter whose type is not left to YAML."""

    def __init__(self, value: Any, *, value_type: Any = None):
        self.value, self.value_type = value, value_type

    def evaluate(self, context: LaunchContext) -> Any:
        """The value in its type."""
        value = _evaluate(context, self.value, is_text=self.value_type is str)
        if self.value_type in (None, str):
            return value
        if self.value_type is float and type(value) is int:
            return float(value)
        element = getattr(self.value_type, "__args__", (None,))[0]
        matches = (
            isinstance(value, list) and all(type(item) is element for item in value)
            if element is not None
            else type(value) is self.value_type
        )
        if not matches:
            raise ValueError(f"Cannot convert value '{value}' to a parameter of type '{self.value_type}'")
        return value


class ParameterFile:
    """A parameter file."""

    def __init__(self, param_file: Any, *, allow_substs: bool = False):
        if allow_substs:
            raise NotInSubsetError("ParameterFile(allow_substs=True)")
        self.param_file = param_file


class Node(ExecuteProcess):
    """Start a node of a package."""

    def __init__(
        self, *, executable: Any, package: Any = None, name: Any = None, namespace: Any = None, exec_name: Any = None,
        parameters: Iterable[Any] | None = None, remappings: Iterable[tuple[Any, Any]] | None = None,
        ros_arguments: Iterable[Any] | None = None, arguments: Iterable[Any] | None = None, **kwargs: Any,
    ):  # fmt: skip
        super().__init__(cmd=[executable, *(arguments or [])], name=exec_name, **kwargs)
        self.package, self.executable = package, executable
        self.node_name, self.namespace = name, namespace
        self.parameters, self.remappings = list(parameters or []), list(remappings or [])
        self.ros_arguments = list(ros_arguments or [])

    def command(self, context: LaunchContext) -> list[str]:
        """The executable in this Python, its arguments, and name, namespace, parameters and remappings."""
        program, *arguments = super().command(context)
        if self.package is not None:
            program = str(find_executable(text_of(context, self.package), program))
        interpreter = [sys.executable] if _is_python(Path(program)) else []
        rest = [text_of(context, argument) for argument in self.ros_arguments]
        if self.node_name is not None:
            rest += ["-r", f"__node:={text_of(context, self.node_name)}"]
        namespace = text_of(context, self.namespace) if self.namespace is not None else ""
        namespace = join_namespaces(context.ros_namespace, namespace)
        if namespace:
            rest += ["-r", f"__ns:={namespace if namespace.startswith('/') else '/' + namespace}"]
        for entry in [{name: value} for name, value in context.ros_parameters] + self.parameters:
            rest += ["--params-file", self._parameter_file(context, entry)]
        for source, target in [*context.ros_remaps, *self.remappings]:
            rest += ["-r", f"{text_of(context, source)}:={text_of(context, target)}"]
        return [*interpreter, program, *arguments, "--ros-args", *rest]

    def _display_name(self, command: list[str]) -> str:
        return next(part for part in command if part != sys.executable)

    def _parameter_file(self, context: LaunchContext, entry: Any) -> str:
        """The path of a file with the parameters of one entry; for a dictionary a temporary file."""
        if isinstance(entry, ParameterFile):
            return text_of(context, entry.param_file)
        if not isinstance(entry, dict):
            return text_of(context, entry)
        values = {text_of(context, name): _evaluate(context, value) for name, value in entry.items()}
        with tempfile.NamedTemporaryFile("w", prefix="launch_params_", suffix=".yaml", delete=False) as file:
            yaml.safe_dump({"/**": {"ros__parameters": values}}, file)
        context.service.temporary_files.append(Path(file.name))
        return file.name


class LifecycleNode(Node):
    """Start a managed node."""

    def __init__(self, *, name: Any, namespace: Any, autostart: bool = False, **kwargs: Any):
        if autostart:
            raise NotInSubsetError("LifecycleNode(autostart=True)", "let the node start itself")
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


def _texts(context: LaunchContext, variables: dict) -> dict[str, str]:
    return {text_of(context, name): text_of(context, value) for name, value in variables.items()}


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
