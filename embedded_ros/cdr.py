"""Plain CDR (XCDR1) for messages: one encoder and one decoder per type, compiled when first used.

The generated code is flat: nested messages are inlined and neighbouring numbers are packed by one `struct`
call wherever their alignment is known. Arrays of numbers are copied as blocks. Encoders append to a bytearray
that starts at the body (after the 4-byte header), so its length is the CDR position. Texts are C's, as rclpy's are:
they end at their first zero byte, and what is no UTF-8 is replaced, not refused.
"""

import struct
from array import array
from collections.abc import Callable
from typing import Any

import numpy as np
from rosbags.interfaces import Nodetype

from embedded_ros.interface_table import PLACEHOLDER_FIELD, STRUCT_CODES, find_interface

LITTLE_ENDIAN_HEADER = b"\x00\x01\x00\x00"
_PADDING = tuple(bytes(count) for count in range(8))


class MalformedDataError(ValueError):
    """Received bytes are not the CDR of the expected type."""


class _CodeWriter:
    """Lines of a function under construction, and what is known of the alignment at its end.

    The position is congruent to `offset` modulo `modulus`.
    """

    def __init__(self, order: str, namespace: dict[str, Any]):
        self.lines: list[str] = []
        self.indent = 1
        self.order = order
        self.namespace = namespace
        self.modulus, self.offset = 8, 0
        self._run: list[tuple[str, str]] = []
        self._num_names = 0

    def name(self, stem: str = "v") -> str:
        """A local name that is used nowhere else."""
        self._num_names += 1
        return f"{stem}{self._num_names}"

    def constant(self, value: Any, stem: str = "K") -> str:
        """A name by which the generated code reaches `value`."""
        key = self.name(stem)
        self.namespace[key] = value
        return key

    def emit(self, line: str) -> None:
        """Append a line at the current indentation, after any pending run of numbers."""
        self.flush()
        self.emit_ahead(line)

    def emit_ahead(self, line: str) -> None:
        """Append a line that does not depend on the position, ahead of the pending run."""
        self.lines.append("    " * self.indent + line)

    def number(self, code: str, expression: str) -> None:
        """Pack or unpack one number: collected into a run while its padding is known."""
        size = struct.calcsize(code)
        if size > self.modulus:
            self.align(size)
        padding = -self.offset % size
        self._run.append(("x" * padding + code, expression))
        self.offset = (self.offset + padding + size) % self.modulus

    def flush(self) -> None:
        """Write the pending run of numbers as one struct call."""
        if not self._run:
            return
        run, self._run = self._run, []
        layout = struct.Struct(self.order + "".join(code for code, _ in run))
        self.write_run(layout, [expression for _, expression in run])

    def write_run(self, layout: struct.Struct, expressions: list[str]) -> None:
        """Emit the call for a run; encoders and decoders differ here."""
        raise NotImplementedError

    def write_padding(self, size: int) -> None:
        """Emit code that aligns the position to `size`."""
        raise NotImplementedError

    def align(self, size: int) -> None:
        """Make the position a multiple of `size`, whatever it is."""
        if self.modulus < size:
            self.write_padding(size)
            self.modulus, self.offset = size, 0
        elif self.offset % size:
            self.write_padding(size)
            self.offset = (self.offset - self.offset % size + size) % self.modulus

    def forget_alignment(self, modulus: int = 1) -> None:
        """After data of unknown length only this much is known."""
        self.flush()
        self.modulus, self.offset = modulus, 0


class _EncoderWriter(_CodeWriter):
    def write_run(self, layout: struct.Struct, expressions: list[str]) -> None:
        self.emit(f"out += {self.constant(layout.pack)}({', '.join(expressions)})")

    def write_padding(self, size: int) -> None:
        self.emit(f"out += PADDING[-len(out) & {size - 1}]")


class _DecoderWriter(_CodeWriter):
    def write_run(self, layout: struct.Struct, expressions: list[str]) -> None:
        self.emit(f"{', '.join(expressions)}, = {self.constant(layout.unpack_from)}(data, pos)")
        self.emit(f"pos += {layout.size}")

    def write_padding(self, size: int) -> None:
        self.emit(f"pos += -pos & {size - 1}")


def compile_encoder(full_name: str) -> Callable[[Any, bytearray], None]:
    """A function (message, bytearray) that appends the little-endian body of a message."""
    writer = _EncoderWriter("<", {"PADDING": _PADDING, "np": np})
    _encode_fields(writer, full_name, "message")
    writer.flush()
    return _compile(writer, "def generated(message, out):")


def compile_decoder(full_name: str, find_class: Callable[[str], type], order: str = "<") -> Callable[[Any], Any]:
    """A function (memoryview of a body) that returns a message; `order` is "<" or ">"."""
    writer = _DecoderWriter(order, {"array": array, "np": np, "new": object.__new__, "Malformed": MalformedDataError})
    writer.emit("pos = 0; end = len(data)")
    result = _decode_message(writer, full_name, find_class)
    writer.emit(f"return {result}")
    return _compile(writer, "def generated(data):")


def _compile(writer: _CodeWriter, signature: str) -> Callable[..., Any]:
    exec("\n".join([signature, *writer.lines, "    pass"]), writer.namespace)
    return writer.namespace["generated"]


def _encode_fields(writer: _CodeWriter, full_name: str, message: str) -> None:
    for name, description in find_interface(full_name).fields:
        if name == PLACEHOLDER_FIELD:
            writer.number("B", "0")
        else:
            _encode_value(writer, description, f"{message}._{name}")


def _encode_value(writer: _CodeWriter, description: Any, value: str) -> None:
    node, argument = description
    if node == Nodetype.NAME:
        _encode_fields(writer, argument, value)
    elif node == Nodetype.BASE and argument[0] == "string":
        writer.emit(f"s = {value}.encode().partition(b'\\0')[0]")
        writer.number("I", "len(s) + 1")
        writer.emit("out += s")
        writer.emit("out.append(0)")
        writer.forget_alignment()
    elif node == Nodetype.BASE:
        writer.number(STRUCT_CODES[argument[0]], value)
    else:
        _encode_elements(writer, node, argument, value)


def _encode_elements(writer: _CodeWriter, node: Any, argument: Any, value: str) -> None:
    element, length = argument
    items = writer.name()
    writer.emit(f"{items} = {value}")
    if node == Nodetype.SEQUENCE:
        writer.number("I", f"len({items})")
    else:
        writer.emit(f"if len({items}) != {length}: raise ValueError('expected {length} elements')")
    if element[0] == Nodetype.BASE and element[1][0] != "string":
        base = element[1][0]
        size = struct.calcsize(STRUCT_CODES[base])
        if base == "byte":
            items = f"b''.join({items})"
        elif base == "bool":
            items = f"bytes({items})"
        _when_not_empty(writer, node, f"len({items})", size)
        writer.emit(f"out += {items}" if node == Nodetype.SEQUENCE else f"out += {_block(base, items)}")
        writer.forget_alignment(min(size, 4))
        return
    item = writer.name()
    writer.emit(f"for {item} in {items}:")
    writer.forget_alignment()
    writer.indent += 1
    _encode_value(writer, element, item)
    writer.flush()
    writer.indent -= 1
    writer.forget_alignment()


def _block(base: str, items: str) -> str:
    return items if base in ("byte", "bool") else f"{items}.tobytes()"


def _when_not_empty(writer: _CodeWriter, node: Any, condition: str, size: int) -> None:
    """Align for a block of numbers: an empty sequence has no padding before its absent elements."""
    if node != Nodetype.SEQUENCE:
        writer.align(size)
    elif size > 4:
        writer.emit(f"if {condition}:")
        writer.indent += 1
        writer.write_padding(size)
        writer.indent -= 1


def _decode_message(writer: _CodeWriter, full_name: str, find_class: Callable[[str], type]) -> str:
    cls = find_class(full_name)
    message = writer.name("m")
    writer.emit_ahead(f"{message} = new({writer.constant(cls, 'C')})")
    for name, description in find_interface(full_name).fields:
        if name == PLACEHOLDER_FIELD:
            writer.number("B", writer.name("unused"))
        else:
            _decode_value(writer, description, f"{message}._{name}", find_class)
    return message


def _decode_value(writer: _CodeWriter, description: Any, target: str, find_class: Callable[[str], type]) -> None:
    node, argument = description
    if node == Nodetype.NAME:
        nested = _decode_message(writer, argument, find_class)
        writer.emit_ahead(f"{target} = {nested}")
    elif node == Nodetype.BASE and argument[0] == "string":
        writer.number("I", "n")
        writer.emit("if n < 1 or pos + n > end or data[pos + n - 1]: raise Malformed(f'bad string at byte {pos}')")
        writer.emit(f"{target} = str(bytes(data[pos:pos + n]).partition(b'\\0')[0], 'utf-8', 'replace'); pos += n")
        writer.forget_alignment()
    elif node == Nodetype.BASE:
        writer.number(STRUCT_CODES[argument[0]], target)
    else:
        _decode_elements(writer, node, argument, target, find_class)


def _decode_elements(writer: _CodeWriter, node: Any, argument: Any, target: str, find_class: Any) -> None:
    element, length = argument
    if node == Nodetype.SEQUENCE:
        count = writer.name("n")
        writer.number("I", count)
        writer.emit(f"if {count} > end - pos: raise Malformed(f'sequence of {{{count}}} at byte {{pos}}')")
    else:
        count = str(length)
    if element[0] == Nodetype.BASE and element[1][0] != "string":
        _decode_block(writer, node, element[1][0], count, target)
        return
    items, item = writer.name(), writer.name("e")
    writer.emit(f"{items} = {target} = []")
    codes = _equal_numbers(element)
    if codes:
        layout = struct.Struct(writer.order + "".join(codes.values()))
        last = _find_end(writer, node, layout.size // len(codes), count, layout.size)
        writer.emit(f"for values in {writer.constant(layout.iter_unpack)}(data[pos:{last}]):")
        writer.emit(f"    {item} = new({writer.constant(find_class(element[1]), 'C')})")
        writer.emit(f"    {', '.join(f'{item}._{name}' for name in codes)}, = values")
        writer.emit(f"    {items}.append({item})")
        _skip_to(writer, last, layout.size // len(codes))
        return
    writer.emit(f"for _ in range({count}):")
    writer.forget_alignment()
    writer.indent += 1
    _decode_value(writer, element, item, find_class)
    writer.emit(f"{items}.append({item})")
    writer.indent -= 1
    writer.forget_alignment()


def _decode_block(writer: _CodeWriter, node: Any, base: str, count: str, target: str) -> None:
    code = STRUCT_CODES[base]
    size = struct.calcsize(code)
    last = _find_end(writer, node, size, count, size)
    block = f"data[pos:{last}]"
    if base == "bool":
        writer.emit(f"{target} = [value != 0 for value in {block}]")
    elif base == "byte":
        writer.emit(f"{target} = [bytes((value,)) for value in {block}]")
    elif node == Nodetype.SEQUENCE:
        block_array = writer.name()
        writer.emit(f"{block_array} = array({code!r}); {block_array}.frombytes({block})")
        if writer.order == ">" and size > 1:
            writer.emit(f"{block_array}.byteswap()")
        writer.emit(f"{target} = {block_array}")
    else:
        kind = writer.constant(np.dtype(writer.order + code))
        writer.emit(f"{target} = np.frombuffer({block}, {kind}).astype({kind}.newbyteorder('='))")
    _skip_to(writer, last, size)


def _equal_numbers(element: Any) -> dict[str, str]:
    """Field names and `struct` codes of a message that is nothing but numbers of one size, such as Point; else none."""
    node, argument = element
    if node != Nodetype.NAME:
        return {}
    codes = {}
    for name, (field_node, field_argument) in find_interface(argument).fields:
        if field_node != Nodetype.BASE or field_argument[0] == "string" or name == PLACEHOLDER_FIELD:
            return {}
        codes[name] = STRUCT_CODES[field_argument[0]]
    return codes if len({struct.calcsize(code) for code in codes.values()}) == 1 else {}


def _find_end(writer: _CodeWriter, node: Any, number_size: int, count: str, item_size: int) -> str:
    """Emit code that goes to the start of a block of numbers and finds its end, within the data; the end's name."""
    _when_not_empty(writer, node, count, number_size)
    last = writer.name("last")
    writer.emit(f"{last} = pos + {count} * {item_size}")
    writer.emit(f"if {last} > end: raise Malformed(f'{{{count}}} numbers end past byte {{end}}')")
    return last


def _skip_to(writer: _CodeWriter, last: str, number_size: int) -> None:
    writer.emit(f"pos = {last}")
    writer.forget_alignment(min(number_size, 4))
