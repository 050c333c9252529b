"""YAML files read straight from the C parser's events: values, and where each of them stands.

Twice as fast as the stock loader, which builds nodes first and resolves every scalar by the
rules of YAML 1.1. Duplicate keys are errors; aliases may not grow a file without bound.
"""

from __future__ import annotations

from typing import Any

from ..errors import ConfigError, Where
from .marks import Mark, Marks
from .scalars import FIRST_CHARACTERS, plain, tagged
from .syntax import refuse_conflict, syntax_error

#: Deeper nesting is refused, so that every later walk may recurse.
MAX_DEPTH = 100
#: Nodes that aliases may add in all; a file of ten lines can ask for billions.
MAX_ALIASED = 200_000

_STANDARD = "tag:yaml.org,2002:"


def load_yaml(data: bytes, file: str) -> Any:
    """The value of a YAML file. Raises ConfigError with file, line and column."""
    return load_yaml_marked(data, file)[0]


def load_yaml_marked(data: bytes, file: str) -> tuple[Any, Marks]:
    """The value of a YAML file and the places of its parts. Raises ConfigError."""
    text = decode(data, file)
    # 12 ms to import; a pipeline that comes from the compiled form needs none of it
    import yaml

    parser = yaml.CSafeLoader(text) if yaml.__with_libyaml__ else yaml.SafeLoader(text)
    reader = _Reader(parser.get_event, yaml.events, file)
    try:
        value = reader.document()
    except yaml.YAMLError as error:
        refuse_conflict(text, file)
        lenient = _read_leniently(text, file)
        if lenient is None:
            raise syntax_error(error, text, file) from None
        reader, value = lenient
    return value, Marks(file, value, reader.places)


def _read_leniently(text: str, file: str) -> tuple[_Reader, Any] | None:
    """What DVC's parser makes of a text; None where it takes it as little.

    It knows a few forms that the fast one does not, such as `[lr, other.yaml:]`, and takes twenty
    times as long. Raises ConfigError.
    """
    from ruamel.yaml import YAML, events  # 60 ms to import; texts like that are rare
    from ruamel.yaml.error import YAMLError

    reader = _Reader(YAML(typ="safe", pure=True).parse(text).__next__, events, file)
    try:
        return reader, reader.document()
    except (YAMLError, StopIteration, ValueError, AttributeError, IndexError):
        return None  # it fails in more ways than it says


def decode(data: bytes, file: str) -> str:
    """The text of a file in UTF-8, a byte order mark dropped. Raises ConfigError."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :]) + 1
        raise ConfigError(
            f"not UTF-8 text (byte 0x{data[error.start]:02x})",
            hint="save the file as UTF-8",
            where=Where(file, line, column),
        ) from None


class _Reader:
    """One pass over the events of one document."""

    def __init__(self, following: Any, events: Any, file: str) -> None:
        self.next = following
        self.events = events
        self.file = file
        self.places: dict[int, dict[Any, tuple[Mark, Mark]]] = {}
        self.anchors: dict[str, Any] = {}
        self.sizes: dict[str, int] = {}  # nodes of each anchored value, its aliases counted in
        self.open: set[str] = set()
        self.heights: dict[int, int] = {}
        self.nodes = 0
        self.aliased = 0

    def document(self) -> Any:
        events = self.events
        self.next()  # the stream's start
        event = self.next()
        if type(event) is events.StreamEndEvent:
            return None
        value = self.node(self.next(), 0)
        self.next()  # the document's end
        event = self.next()
        if type(event) is not events.StreamEndEvent:
            self.fail("a second document starts here", event, "one file holds one YAML document")
        return value

    def node(self, event: Any, depth: int) -> Any:
        events = self.events
        kind = type(event)
        if kind is events.ScalarEvent:
            value = self.scalar(event)
            if event.anchor is not None:
                self.anchors[event.anchor] = value
                self.sizes[event.anchor] = 1
            return value
        if kind is events.AliasEvent:
            return self.alias(event, depth)
        if depth >= MAX_DEPTH:
            self.fail(f"nested more than {MAX_DEPTH} levels deep", event)
        if event.tag is not None and event.tag not in (_STANDARD + "map", _STANDARD + "seq", "!"):
            self.fail(f"the tag {_tag(event.tag)} is not supported", event, "remove the tag")
        anchor = event.anchor
        before = self.nodes
        if anchor is not None:
            self.anchors.pop(anchor, None)
            self.open.add(anchor)
        is_mapping = kind is events.MappingStartEvent
        value = self.mapping(depth + 1) if is_mapping else self.sequence(depth + 1)
        if anchor is not None:
            self.open.discard(anchor)
            self.anchors[anchor] = value
            self.sizes[anchor] = self.nodes - before + 1
        return value

    def mapping(self, depth: int) -> dict[Any, Any]:
        events = self.events
        scalar_event, end_event = events.ScalarEvent, events.MappingEndEvent
        following = self.next
        places: dict[Any, tuple[Mark, Mark]] = {}
        result: dict[Any, Any] = {}
        merged: list[tuple[dict[Any, Any], Any]] = []
        while True:
            event = following()
            kind = type(event)
            if kind is end_event:
                break
            self.nodes += 2
            mark = event.start_mark
            if kind is scalar_event and event.tag is None and event.anchor is None:
                key = event.value
                if event.implicit[0] and (not key or key[0] in FIRST_CHARACTERS or key == "<<"):
                    if key == "<<":
                        event = following()
                        merged.extend(self.merge(self.node(event, depth), event))
                        continue
                    key = self.scalar(event)
            else:
                key = self.node(event, depth)
                if type(key) is dict or type(key) is list:
                    self.fail(
                        f"a {'mapping' if type(key) is dict else 'list'} cannot be a key",
                        event,
                        'quote texts that hold braces or brackets: "{{ x }}"',
                    )
            event = following()
            if (
                type(event) is scalar_event
                and event.tag is None
                and event.anchor is None
                and (text := event.value)
                and (text[0] not in FIRST_CHARACTERS or not event.implicit[0])
            ):
                value = text
            else:
                value = self.node(event, depth)
            if key in result:
                first = places[key][0].line + 1
                self.fail(
                    f"the key '{key}' appears twice (first on line {first})",
                    mark,
                    "keep one of the two",
                )
            result[key] = value
            places[key] = (mark, event.start_mark)
        if merged:
            result, places = self.merge_into(result, places, merged)
        self.places[id(result)] = places
        return result

    def sequence(self, depth: int) -> list[Any]:
        events = self.events
        end_event = events.SequenceEndEvent
        following = self.next
        places: dict[Any, tuple[Mark, Mark]] = {}
        result: list[Any] = []
        while True:
            event = following()
            if type(event) is end_event:
                break
            self.nodes += 1
            mark = event.start_mark
            places[len(result)] = (mark, mark)
            result.append(self.node(event, depth))
        self.places[id(result)] = places
        return result

    def scalar(self, event: Any) -> Any:
        text: str = event.value
        tag = event.tag
        try:
            if tag is None:
                return plain(text) if event.implicit[0] else text
            if tag == "!":
                return text
            return tagged(tag.removeprefix(_STANDARD), text)
        except KeyError:
            self.fail(f"the tag {_tag(tag)} is not supported", event, "remove the tag")
        except ValueError as error:
            what = f"{text!r} cannot be read as {_tag(tag)}" if tag else f"{text!r}: {error}"
            self.fail(what, event, None if tag else "quote it where a text is meant")

    def alias(self, event: Any, depth: int) -> Any:
        name = event.anchor
        if name in self.open:
            self.fail(f"*{name} refers to the value that holds it", event)
        if name not in self.anchors:
            from ..errors import did_you_mean

            self.fail(
                f"*{name} names no anchor (&{name}) above it",
                event,
                did_you_mean(name, self.anchors) or "quote a text that begins with '*'",
            )
        self.nodes += self.sizes[name]
        self.aliased += self.sizes[name]
        if self.aliased > MAX_ALIASED:
            self.fail(f"aliases expand to more than {MAX_ALIASED} values", event)
        value = self.anchors[name]
        if depth + self.height(value) > MAX_DEPTH:
            self.fail(f"nested more than {MAX_DEPTH} levels deep", event)
        return value

    def height(self, value: Any) -> int:
        if type(value) is not dict and type(value) is not list:
            return 0
        known = self.heights.get(id(value))
        if known is None:
            inner = value.values() if type(value) is dict else value
            known = 1 + max((self.height(item) for item in inner), default=0)
            self.heights[id(value)] = known
        return known

    def merge(self, value: Any, event: Any) -> list[tuple[dict[Any, Any], Any]]:
        values = value if type(value) is list else [value]
        if not all(type(item) is dict for item in values):
            self.fail("'<<' takes a mapping, or a list of mappings", event)
        return [(item, self.places.get(id(item), {})) for item in values]

    def merge_into(
        self, own: dict[Any, Any], own_places: dict[Any, Any], merged: list[tuple[Any, Any]]
    ) -> tuple[dict[Any, Any], dict[Any, Any]]:
        """Own keys win over merged ones, earlier merged mappings over later ones."""
        result: dict[Any, Any] = {}
        places: dict[Any, Any] = {}
        for value, value_places in reversed(merged):
            result.update(value)
            places.update(value_places)
        return {**result, **own}, {**places, **own_places}

    def fail(self, message: str, at: Any, hint: str | None = None) -> Any:
        mark = getattr(at, "start_mark", at)
        where = Where(self.file, mark.line + 1, mark.column + 1)
        raise ConfigError(message, hint=hint, where=where)


def _tag(tag: str) -> str:
    return "!!" + tag.removeprefix(_STANDARD) if tag.startswith(_STANDARD) else tag
