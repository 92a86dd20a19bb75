"""What enums and dataclasses hold beside their values, and what is registered for pickling, counts like other state."""

from __future__ import annotations

import copyreg
import sys
from collections.abc import Iterator

import pytest
from two_ways import both

RICH = """
class Unit(enum.Enum):
    def __new__(cls, value, factor):
        made = object.__new__(cls)
        made._value_, made.factor = value, factor
        return made
    METER = 1, {factor}
"""
CHANGES = {
    "an alias": ("class E(enum.Enum):\n    A = 1", "list(E.__members__)", "class E(enum.Enum):\n    A = 1\n    B = 1"),
    "another argument of a member": (RICH.format(factor=2), "Unit.METER.factor", RICH.format(factor=3)),
    "an attribute set on a member": (RICH.format(factor=2), "Unit.METER.factor", "Unit.METER.factor = 9"),
    "an attribute in a member's attribute": (
        RICH.format(factor=[2]),
        "len(Unit.METER.factor)",
        "Unit.METER.factor += [1]",
    ),
    "what a value holds": ("class E(enum.Enum):\n    A = [1]", "len(E.A.value)", "E.A.value.append(2)"),
    "the value of a member": ("class E(enum.Enum):\n    A = 1", "E.A.value", "E.A._value_ = 2"),
    "an alias given by hand": ("class E(enum.Enum):\n    A = 1", "list(E.__members__)", "E._member_map_['B'] = E.A"),
    "a private attribute of a member": (
        RICH.format(factor=2).replace("made.factor", "made._factor"),
        "Unit.METER._factor",
        "Unit.METER._factor = 9",
    ),
    "what a pattern takes": (
        "def take(p):\n    match p:\n        case P(x): return x\n"
        "class P:\n    a, b = 1, 2\n    __match_args__ = ('a',)",
        "take(P())",
        "class P:\n    a, b = 1, 2\n    __match_args__ = ('b',)",
    ),
    "what a flag does with other numbers": (
        "class F(enum.Flag, boundary=enum.KEEP):\n    A = 1",
        "F(8).value",
        "class F(enum.Flag, boundary=enum.CONFORM):\n    A = 1",
    ),
    "whether a protocol can be asked for": (
        "@typing.runtime_checkable\nclass P(typing.Protocol):\n    def close(self): ...",
        "getattr(P, '_is_runtime_protocol', False)",
        "class P(typing.Protocol):\n    def close(self): ...",
    ),
    "what a new type stands for": ("N = typing.NewType('N', int)", "N.__supertype__", "N = typing.NewType('N', str)"),
    "a field taken away": (
        "@dataclasses.dataclass\nclass D:\n    a: int = 1\n    b: int = 2",
        "len(dataclasses.fields(D))",
        "del D.__dataclass_fields__['a']",
    ),
    "what is noted on a field": (
        "NOTED = {'unit': 1}\n@dataclasses.dataclass\nclass D:\n    a: int = dataclasses.field(metadata=NOTED)",
        "dataclasses.fields(D)[0].metadata['unit']",
        "NOTED['unit'] = 2",
    ),
    "a number of a flag": (
        "class F(enum.Flag):\n    A = 1\n    B = 2",
        "(F.A | F.B).value",
        "class F(enum.Flag):\n    A = 1\n    B = 4",
    ),
}


def check(written: str, asks: str, changed: str) -> None:
    """Assert that a cached function that asks for something sees the change as the plain one does."""
    plain, cached = both(
        f"{written}\n@cache_data\ndef use(number): return {asks}", "use(1)", changed, "use(1)", "use(1)"
    )
    assert cached == plain


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_changed_in_a_class_is_a_miss(change: str, cache: object) -> None:
    written, asks, changed = CHANGES[change]
    check(f"import dataclasses, enum, typing\n{written}", asks, changed)


OF_PYDANTIC = {
    "a private attribute": ("_p: int = pydantic.PrivateAttr(1)", "_p: int = pydantic.PrivateAttr(2)", "K()._p"),
    "a computed field": (
        "@pydantic.computed_field\n    @property\n    def c(self) -> int: return 1",
        "@property\n    def c(self) -> int: return 1",
        "K().model_dump()",
    ),
    "when a field is written": (
        "@pydantic.field_serializer('a', when_used='json')\n    def v(self, x): return 9",
        "@pydantic.field_serializer('a')\n    def v(self, x): return 9",
        "K().model_dump()",
    ),
    "which field is checked": (
        "@pydantic.field_validator('a')\n    @classmethod\n    def v(cls, x): return x + 1",
        "@pydantic.field_validator('b')\n    @classmethod\n    def v(cls, x): return x + 1",
        "K(a=1, b=1).model_dump()",
    ),
}


@pytest.mark.parametrize("change", OF_PYDANTIC)
def test_what_a_model_was_given_is_a_miss_when_it_changes(change: str, cache: object) -> None:
    pytest.importorskip("pydantic")
    written, changed, asks = OF_PYDANTIC[change]
    model = "import pydantic\nclass K(pydantic.BaseModel):\n    a: int = 1\n    b: int = 1\n    "
    check(model + written, asks, model + changed)


@pytest.fixture
def registered() -> Iterator[None]:
    before = dict(copyreg.dispatch_table)
    yield
    copyreg.dispatch_table.clear()
    copyreg.dispatch_table.update(before)
    sys.modules.pop("_held", None)


@pytest.mark.parametrize("asks", ["copy.copy(Held(3)).value", "pickle.loads(pickle.dumps(Held(3))).value"])
def test_what_is_registered_for_pickle_counts_where_code_pickles_or_copies(
    asks: str, cache: object, registered: None
) -> None:
    plain, cached = both(
        "import copy, copyreg, pickle, sys, types\n"
        "sys.modules['_held'] = types.ModuleType('_held')\n"
        "class Held:\n    __module__ = '_held'\n    def __init__(self, value): self.value = value\n"
        "sys.modules['_held'].Held = Held\n"
        f"@cache_data\ndef use(number): return {asks}\n"
        "def twice(held): return Held, (held.value * 2,)\n"
        "def thrice(held): return Held, (held.value * 3,)\n",
        "use(1)",
        "copyreg.pickle(Held, twice)",
        "use(1)",
        "copyreg.pickle(Held, thrice)",
        "use(1)",
        "copyreg.dispatch_table.pop(Held) is None",
        "use(1)",
    )
    assert cached == plain
