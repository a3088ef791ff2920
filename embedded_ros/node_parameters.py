"""The parameter half of a node: declaring, getting, setting, callbacks and the six services."""

import warnings
from collections.abc import Callable
from typing import Any

from embedded_ros.exceptions import (
    InvalidParameterTypeException,
    InvalidParameterValueException,
    ParameterAlreadyDeclaredException,
    ParameterImmutableException,
    ParameterNotDeclaredException,
    ParameterUninitializedException,
)
from embedded_ros.message_classes import message_class, service_class
from embedded_ros.names import validate_parameter_name
from embedded_ros.parameters import Parameter, descriptor_objection, parameter_value_to_python
from embedded_ros.qos import qos_profile_parameters

PARAMETER_SERVICES = {
    "DescribeParameters": "describe_parameters",
    "GetParameters": "get_parameters",
    "GetParameterTypes": "get_parameter_types",
    "ListParameters": "list_parameters",
    "SetParameters": "set_parameters",
    "SetParametersAtomically": "set_parameters_atomically",
}
"""Types of the services that every node offers, and their names below the node's."""


class NodeParameters:
    """Mixin of Node."""

    _parameter_event_publisher: Any

    def _init_parameters(self, overrides: dict[str, Parameter], allow_undeclared: bool) -> None:
        self._parameters: dict[str, Parameter] = {}
        self._descriptors: dict[str, Any] = {}
        self._parameter_overrides = overrides
        self._allow_undeclared_parameters = allow_undeclared
        self._pre_set_parameters_callbacks: list[Callable] = []
        self._on_set_parameters_callbacks: list[Callable] = []
        self._post_set_parameters_callbacks: list[Callable] = []

    def declare_parameter(
        self, name: str, value: Any = None, descriptor: Any = None, ignore_override: bool = False
    ) -> Parameter:
        """Declare a parameter by its default value or by its type; an override given at start has precedence."""
        entry = (name,) if value is None and descriptor is None else (name, value)
        entry = entry if descriptor is None else (name, value, descriptor)
        return self.declare_parameters("", [entry], ignore_override)[0]

    def declare_parameters(
        self, namespace: str, parameters: list[tuple], ignore_override: bool = False
    ) -> list[Parameter]:
        """Declare several parameters, named `<namespace>.<name>`."""
        declared: list[Parameter] = []
        descriptors: dict[str, Any] = {}
        for entry in parameters:
            parameter, descriptor = self._prepare_declaration(namespace, entry, ignore_override)
            declared.append(parameter)
            descriptors[parameter.name] = descriptor
        existing = [parameter.name for parameter in declared if parameter.name in self._parameters]
        if existing:
            raise ParameterAlreadyDeclaredException(existing)
        for parameter in declared:
            result = self._set_atomically([parameter], descriptors, keep_unset=True)
            if not result.successful:
                if result.reason.startswith("Wrong parameter type"):
                    expected = Parameter.Type(descriptors[parameter.name].type).name
                    raise InvalidParameterTypeException(parameter, expected)
                raise InvalidParameterValueException(parameter.name, parameter.value, result.reason)
        return [self._parameters[parameter.name] for parameter in declared]

    def _prepare_declaration(self, namespace: str, entry: tuple, ignore_override: bool) -> tuple[Parameter, Any]:
        if not 1 <= len(entry) <= 3 or not isinstance(entry[0], str):
            raise TypeError(f"Expecting (name, value or type, descriptor), not {entry}")
        descriptor_type = message_class("rcl_interfaces/msg/ParameterDescriptor")
        name = f"{namespace}.{entry[0]}" if namespace else entry[0]
        value = entry[1] if len(entry) > 1 else None
        descriptor: Any = entry[2] if len(entry) > 2 else descriptor_type(dynamic_typing=len(entry) == 1)
        validate_parameter_name(name)
        if len(entry) == 1:
            warnings.warn(f"parameter '{name}' should be declared with a value or a type", stacklevel=4)
        if isinstance(value, message_class("rcl_interfaces/msg/ParameterValue")):
            value = parameter_value_to_python(value)
        if not isinstance(descriptor, descriptor_type):
            raise TypeError(f"Third element {descriptor} of parameter '{name}' is not a ParameterDescriptor.")
        if isinstance(value, Parameter.Type):
            if value is Parameter.Type.NOT_SET:
                raise ValueError(f"Cannot declare parameter {{{name}}} as statically typed of type NOT_SET")
            if descriptor.dynamic_typing:
                raise ValueError(f"Parameter {{{name}}} cannot have both a type and dynamic typing")
            descriptor.type, value = value.value, None
        elif not descriptor.dynamic_typing:
            descriptor.type = Parameter.Type.from_parameter_value(value).value
            if descriptor.type == Parameter.Type.NOT_SET.value:
                raise ValueError(
                    "Cannot declare a statically typed parameter with default value of type PARAMETER_NOT_SET"
                )
        if not ignore_override and name in self._parameter_overrides:
            value = self._parameter_overrides[name].value
        return Parameter(name, value=value), descriptor

    def undeclare_parameter(self, name: str) -> None:
        """Forget a parameter that is not read-only."""
        if name not in self._parameters:
            raise ParameterNotDeclaredException(name)
        if self._descriptors[name].read_only:
            raise ParameterImmutableException(name)
        del self._parameters[name], self._descriptors[name]

    def has_parameter(self, name: str) -> bool:
        """Whether a parameter is declared."""
        return name in self._parameters

    def get_parameter(self, name: str) -> Parameter:
        """A declared parameter that has a value."""
        if name not in self._parameters:
            if self._allow_undeclared_parameters:
                return Parameter(name, Parameter.Type.NOT_SET, None)
            raise ParameterNotDeclaredException(name)
        parameter = self._parameters[name]
        if parameter.type_ is Parameter.Type.NOT_SET and not self._descriptors[name].dynamic_typing:
            raise ParameterUninitializedException(name)
        return parameter

    def get_parameters(self, names: list[str]) -> list[Parameter]:
        """Several parameters."""
        return [self.get_parameter(name) for name in names]

    def get_parameter_or(self, name: str, alternative_value: Parameter | None = None) -> Parameter:
        """A parameter that has a value, else the alternative."""
        found = self._parameters.get(name)
        if found is not None and found.type_ is not Parameter.Type.NOT_SET:
            return found
        return alternative_value or Parameter(name, Parameter.Type.NOT_SET)

    def get_parameter_type(self, name: str) -> Parameter.Type:
        """The type of a declared parameter."""
        if name in self._parameters:
            return self._parameters[name].type_
        if self._allow_undeclared_parameters:
            return Parameter.Type.NOT_SET
        raise ParameterNotDeclaredException(name)

    def get_parameter_types(self, names: list[str]) -> list[Parameter.Type]:
        """The types of several parameters."""
        return [self.get_parameter_type(name) for name in names]

    def get_parameters_by_prefix(self, prefix: str) -> dict[str, Parameter]:
        """The parameters named `<prefix>.<rest>`, by their rest."""
        start = f"{prefix}." if prefix else ""
        found = {name: parameter for name, parameter in self._parameters.items() if name.startswith(start)}
        return {name.removeprefix(start): parameter for name, parameter in found.items()}

    def describe_parameter(self, name: str) -> Any:
        """The descriptor of a declared parameter."""
        if name in self._descriptors:
            return self._descriptors[name]
        if self._allow_undeclared_parameters:
            return message_class("rcl_interfaces/msg/ParameterDescriptor")()
        raise ParameterNotDeclaredException(name)

    def describe_parameters(self, names: list[str]) -> list[Any]:
        """The descriptors of several parameters."""
        return [self.describe_parameter(name) for name in names]

    def set_descriptor(self, name: str, descriptor: Any, alternative_value: Any = None) -> Any:
        """Replace a parameter's descriptor; the rcl_interfaces/ParameterValue that the parameter has then.

        The present value is kept if it complies, else the alternative (a ParameterValue) is taken.

        Raises:
            ParameterNotDeclaredException: the parameter is not declared.
            ParameterImmutableException: the parameter is read-only.
            InvalidParameterValueException: neither value complies.
        """
        current = self.get_parameter(name)
        if name not in self._parameters:
            return current.get_parameter_value()
        if self._descriptors[name].read_only:
            raise ParameterImmutableException(name)
        descriptor.name, objection = name, ""
        values = [current.value]
        if alternative_value is not None:
            values.append(parameter_value_to_python(alternative_value))
        for parameter in (Parameter(name, value=value) for value in values):
            objection = descriptor_objection(parameter, descriptor, True, False)
            if not objection:
                self._descriptors[name], self._parameters[name] = descriptor, parameter
                return parameter.get_parameter_value()
        raise InvalidParameterValueException(name, values[-1], objection)

    def list_parameters(self, prefixes: list[str], depth: int) -> Any:
        """Names and prefixes of the parameters under some prefixes, at most `depth` levels deep (0: all)."""
        result: Any = message_class("rcl_interfaces/msg/ListParametersResult")()
        for name in self._parameters:
            rests = (
                [name] if not prefixes else [name.removeprefix(f"{p}.") for p in prefixes if name.startswith(f"{p}.")]
            )
            if name not in prefixes and not any(not depth or rest.count(".") < depth for rest in rests):
                continue
            result.names.append(name)
            prefix = name.rpartition(".")[0]
            if prefix and prefix not in result.prefixes:
                result.prefixes.append(prefix)
        return result

    def set_parameters(self, parameter_list: list[Parameter]) -> list[Any]:
        """Set parameters one by one; one result for each."""
        return [self.set_parameters_atomically([parameter]) for parameter in parameter_list]

    def set_parameters_atomically(self, parameter_list: list[Parameter]) -> Any:
        """Set all parameters or none."""
        if self._pre_set_parameters_callbacks:
            given = parameter_list
            parameter_list = [p for callback in self._pre_set_parameters_callbacks for p in callback(given)]
            if not parameter_list:
                return _result(
                    "parameter list cannot be empty, this might be due to pre_set_parameters_callback modifying the "
                    "original parameters list."
                )
        self._require_declared(parameter_list)
        return self._set_atomically(parameter_list, None, keep_unset=False)

    def _require_declared(self, parameter_list: list[Parameter]) -> None:
        if not all(isinstance(parameter, Parameter) for parameter in parameter_list):
            raise TypeError(f"parameter must be instance of type '{Parameter!r}'")
        undeclared = [parameter.name for parameter in parameter_list if parameter.name not in self._parameters]
        if undeclared and not self._allow_undeclared_parameters:
            raise ParameterNotDeclaredException(undeclared)

    def _set_atomically(self, parameters: list[Parameter], descriptors: dict | None, keep_unset: bool) -> Any:
        known = self._descriptors if descriptors is None else descriptors
        for parameter in parameters:
            descriptor = known.get(parameter.name)
            if descriptor is not None:
                descriptor.name = parameter.name
                is_declared = parameter.name in self._parameters
                objection = descriptor_objection(parameter, descriptor, is_declared, descriptors is None)
                if objection:
                    return _result(objection)
        for callback in self._on_set_parameters_callbacks:
            result = callback(parameters)
            if not result.successful:
                return result
        self._store(parameters, descriptors, keep_unset)
        for callback in self._post_set_parameters_callbacks:
            callback(parameters)
        return _result("")

    def _store(self, parameters: list[Parameter], descriptors: dict | None, keep_unset: bool) -> None:
        event: Any = message_class("rcl_interfaces/msg/ParameterEvent")(node=self.get_fully_qualified_name())
        for parameter in parameters:
            name = parameter.name
            if parameter.type_ is Parameter.Type.NOT_SET and not keep_unset:
                event.deleted_parameters.append(parameter.to_parameter_msg())
                self._parameters.pop(name, None)
                self._descriptors.pop(name, None)
                continue
            if descriptors is not None:
                self._descriptors[name] = descriptors[name]
            elif name not in self._descriptors:
                self._descriptors[name] = message_class("rcl_interfaces/msg/ParameterDescriptor")(dynamic_typing=True)
            is_new = self.get_parameter_or(name).type_ is Parameter.Type.NOT_SET
            changes = event.new_parameters if is_new else event.changed_parameters
            changes.append(parameter.to_parameter_msg())
            self._parameters[name] = parameter
        event.stamp = self.get_clock().now().to_msg()
        self._parameter_event_publisher.publish(event)

    def add_pre_set_parameters_callback(self, callback: Callable[[list[Parameter]], list[Parameter]]) -> None:
        """Call before validation; returns the parameters to set instead."""
        self._pre_set_parameters_callbacks.insert(0, callback)

    def add_on_set_parameters_callback(self, callback: Callable[[list[Parameter]], Any]) -> None:
        """Call to accept or refuse new values with a SetParametersResult."""
        self._on_set_parameters_callbacks.insert(0, callback)

    def add_post_set_parameters_callback(self, callback: Callable[[list[Parameter]], None]) -> None:
        """Call after new values were set."""
        self._post_set_parameters_callbacks.insert(0, callback)

    def remove_pre_set_parameters_callback(self, callback: Callable) -> None:
        """Undo `add_pre_set_parameters_callback`."""
        self._pre_set_parameters_callbacks.remove(callback)

    def remove_on_set_parameters_callback(self, callback: Callable) -> None:
        """Undo `add_on_set_parameters_callback`."""
        self._on_set_parameters_callbacks.remove(callback)

    def remove_post_set_parameters_callback(self, callback: Callable) -> None:
        """Undo `add_post_set_parameters_callback`."""
        self._post_set_parameters_callbacks.remove(callback)

    def _start_parameter_services(self) -> None:
        for type_name, name in PARAMETER_SERVICES.items():
            srv_type = service_class(f"rcl_interfaces/srv/{type_name}")
            answer = getattr(self, f"_answer_{name}")
            self.create_service(srv_type, f"~/{name}", answer, qos_profile=qos_profile_parameters)

    def _answer_describe_parameters(self, request: Any, response: Any) -> Any:
        if all(name in self._parameters for name in request.names):
            response.descriptors = self.describe_parameters(request.names)
        return response

    def _answer_get_parameters(self, request: Any, response: Any) -> Any:
        try:
            response.values = [parameter.get_parameter_value() for parameter in self.get_parameters(request.names)]
        except (ParameterNotDeclaredException, ParameterUninitializedException):
            response.values = []
        return response

    def _answer_get_parameter_types(self, request: Any, response: Any) -> Any:
        if all(name in self._parameters for name in request.names):
            response.types = [kind.value for kind in self.get_parameter_types(request.names)]
        return response

    def _answer_list_parameters(self, request: Any, response: Any) -> Any:
        response.result = self.list_parameters(request.prefixes, request.depth)
        return response

    def _answer_set_parameters(self, request: Any, response: Any) -> Any:
        response.results = [self._set_from_messages([message]) for message in request.parameters]
        return response

    def _answer_set_parameters_atomically(self, request: Any, response: Any) -> Any:
        response.result = self._set_from_messages(request.parameters)
        return response

    def _set_from_messages(self, messages: list[Any]) -> Any:
        try:
            return self.set_parameters_atomically([Parameter.from_parameter_msg(message) for message in messages])
        except ParameterNotDeclaredException as error:
            return _result(str(error))

    # What this mixin uses of Node.
    get_clock: Callable[[], Any]
    get_fully_qualified_name: Callable[[], str]
    create_service: Callable[..., Any]


def _result(objection: str) -> Any:
    return message_class("rcl_interfaces/msg/SetParametersResult")(successful=not objection, reason=objection)
