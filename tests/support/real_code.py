"""Functions as people write them, over real libraries: run as a script, it prints the fingerprint of each."""

from __future__ import annotations

import abc
import collections
import contextlib
import copy
import dataclasses
import enum
import functools
import importlib.util
import json
import logging
import pathlib
import pickle
import re
import threading
import time
import typing

import attrs
import matplotlib
import numpy as np
import pandas as pd
import polars as pl
import requests
from pydantic import BaseModel, Field, computed_field, field_validator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sqlalchemy import String, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from nbcache.hashing import hasher
from nbcache.tracking.fingerprint import Tracker

log = logging.getLogger(__name__)
lock = threading.Lock()
web = requests.Session()
engine = create_engine("sqlite://")


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "user"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(30))

    def greet(self):
        return "hi " + self.name


class Settings(BaseModel):
    a: int = Field(gt=0, default=3)
    b: list[str] = []

    @field_validator("a")
    @classmethod
    def check(cls, value):
        return value

    @computed_field
    @property
    def c(self) -> int:
        return self.a * 2


@attrs.define
class Item:
    x: int = attrs.field(default=1, validator=attrs.validators.instance_of(int))
    y: list = attrs.field(factory=list)

    def double(self):
        return self.x * 2


@dataclasses.dataclass(frozen=True)
class Point:
    x: int = 1
    y: list = dataclasses.field(default_factory=lambda: [1])


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


class Shape(abc.ABC):
    @abc.abstractmethod
    def area(self): ...


class Sized(typing.Protocol):
    def size(self) -> int: ...


class Pair(typing.NamedTuple):
    a: int = 1


Trio = collections.namedtuple("Trio", "a b c")


class Options(typing.TypedDict):
    a: int


@functools.singledispatch
def dispatch(x):
    return 1


@dispatch.register
def _(x: int):
    return 2


@functools.lru_cache
def memo(x):
    return x + 1


@contextlib.contextmanager
def managed():
    yield 1


frame = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
table = pl.DataFrame({"a": [1]})
model = LogisticRegression()
pattern = re.compile("a")
T = typing.TypeVar("T")
rng = np.random.default_rng(0)
vectorized = np.vectorize(lambda x: x + 1)
ufunc = np.add


def with_pandas(x):
    joined = frame.groupby("a").sum().merge(pd.DataFrame(x)).rolling(3).mean()
    return joined, table.select(pl.col("a")), np.linalg.svd(x)


def with_sklearn(x):
    return make_pipeline(model).fit(x), LogisticRegression(C=3)


def with_matplotlib(x):
    fig, ax = plt.subplots()
    ax.plot(x)
    return fig


def with_requests(url):
    log.info("x")
    return web.get(url).json(), requests.get(url)


def with_sqlalchemy(x):
    with Session(engine) as session:
        return session.scalars(select(User)).all(), User(name="a")


def with_pydantic(x):
    return Settings(a=x), Settings.model_validate({})


def with_attrs(x):
    return Item(x), attrs.asdict(Item(1)), Point(), Colour.RED, Trio(1, 2, 3), Pair(), Options


def with_standard_library(x):
    with lock, managed():
        return dispatch(x), memo(x), Shape, Sized, pattern.match(x), T, rng, vectorized(x), ufunc(x), pathlib.Path("x")


if importlib.util.find_spec("torch"):
    import torch
    import torch.nn.functional as F
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(3, 4)

        def forward(self, x):
            return F.relu(self.layer(x))

    torch.manual_seed(0)
    net = Net()

    def with_torch(x):
        with torch.no_grad():
            return net(x), Net(), torch.tensor([1])


def use() -> None:
    """Use everything, as a session does: libraries then write into classes and fill caches."""
    dispatch(1)
    dispatch("a")
    memo(1)
    Settings(a=1)
    User(name="x")
    repr(User.__table__)
    pickle.dumps([Point(), Item(), Colour.RED, model])
    copy.deepcopy([Point(), Item(), Settings()])
    with Session(engine) as session:
        Base.metadata.create_all(engine)
        session.scalars(select(User)).all()

    class Box(Sized):
        def size(self) -> int:
            return 1

    Box()
    Settings.model_json_schema()
    issubclass(int, Shape)


def main() -> None:
    functions = {name: value for name, value in globals().items() if name.startswith("with_")}
    hasher.digest([1])
    first = {}
    for name, function in functions.items():
        started = time.perf_counter()
        tracker = Tracker({"": function})
        state = tracker.state()
        first[name] = (tracker, state, time.perf_counter() - started)
    use()
    report = {}
    for name, (tracker, state, seconds) in first.items():
        now = tracker.state()
        old, new = ({part.label: part.digest for part in parts} for parts in (state.parts, now.parts))
        changed = sorted(label for label in old | new if old.get(label) != new.get(label))
        report[name] = {"digest": now.digest.hex(), "seconds": seconds, "changed": changed, "current": now.current()}
    print(json.dumps(report))


if __name__ == "__main__":
    main()
