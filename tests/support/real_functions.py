"""Cached functions as people write them over real libraries: run as a script, it calls each twice and reports.

Each section stands alone, so that a light installation runs those it has. ``change_NAME`` changes something that the
function of that name rests on, as a session would.
"""

from __future__ import annotations

import functools
import importlib.util
import io
import json
import sys
import time
from pathlib import Path

from nbcache import cache_data

has = functools.cache(importlib.util.find_spec)

if has("pandas"):
    import numpy as np
    import pandas as pd

    sales = pd.DataFrame({"shop": list("abab"), "day": pd.date_range("2024-01-01", periods=4), "sold": [1, 2, 3, 4]})
    Path("sales.csv").exists() or sales.to_csv("sales.csv", index=False)

    def clean(frame):
        return frame.assign(sold=frame["sold"].clip(lower=0)).dropna()

    @cache_data
    def with_pandas(by):
        frame = pd.concat([clean(sales), pd.read_csv("sales.csv", parse_dates=["day"])])
        return frame.groupby(by).agg(total=("sold", "sum"), first=("day", "min")).apply(lambda row: row)

    ARGUMENT_pandas = "shop"

    def change_pandas():
        sales.loc[0, "sold"] = 100


if has("polars"):
    import polars as pl

    table = pl.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "x"]})
    Path("table.parquet").exists() or table.write_parquet("table.parquet")

    @cache_data
    def with_polars(column):
        lazy = pl.scan_parquet("table.parquet").join(table.lazy(), on="a")
        return lazy.group_by(column).agg(pl.col("a").sum()).sort(column).collect()

    ARGUMENT_polars = "b"

    def change_polars():
        table.with_columns(a=pl.col("a") + 0, b=pl.lit("x")).write_parquet("table.parquet")


if has("sklearn"):
    from sklearn.base import BaseEstimator, TransformerMixin
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    class Halve(TransformerMixin, BaseEstimator):
        def fit(self, x, y=None):
            return self

        def transform(self, x):
            return x / 2

    X = np.arange(40.0).reshape(20, 2)
    y = np.arange(20) % 2
    fitted = make_pipeline(Halve(), StandardScaler(), LogisticRegression()).fit(X, y)

    @cache_data
    def with_sklearn(depth):
        forest = RandomForestClassifier(max_depth=depth, n_estimators=5, random_state=0).fit(X, y)
        return forest, fitted.predict_proba(X), cross_val_score(forest, X, y, cv=2).mean()

    ARGUMENT_sklearn = 3

    def change_sklearn():
        fitted.named_steps["logisticregression"].coef_[0, 0] += 1


if has("torch"):
    import torch
    import torch.nn.functional as F
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Dropout(0.5))
            self.norm = nn.BatchNorm1d(4)

        def forward(self, x):
            return F.softmax(self.norm(self.layers(x)), dim=-1)

    torch.manual_seed(0)
    net = Net().eval()

    @cache_data
    def with_torch(x):
        with torch.no_grad():
            return net(x), net.state_dict(), x.device

    ARGUMENT_torch = torch.ones(2, 3)

    def change_torch():
        with torch.no_grad():
            net.layers[0].weight[0, 0] += 1


if has("matplotlib"):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.ticker import FuncFormatter

    colours = LinearSegmentedColormap.from_list("ours", ["red", "blue"])
    style = {"lines.linewidth": 2}

    def percent(value, position):
        return f"{value:.0%}"

    @cache_data
    def with_matplotlib(points):
        with plt.rc_context(style):
            figure, axes = plt.subplots()
            axes.scatter(points, points, c=points, cmap=colours)
            axes.yaxis.set_major_formatter(FuncFormatter(percent))
            stream = io.BytesIO()
            figure.savefig(stream, format="png", metadata={"Software": None})
            plt.close(figure)
        return stream.getvalue(), figure

    ARGUMENT_matplotlib = [1, 2, 3]

    def change_matplotlib():
        style["lines.linewidth"] = 3


if has("requests"):
    import requests
    from requests.adapters import BaseAdapter

    class Canned(BaseAdapter):
        """Answers without a network."""

        body = '{"n": 1}'

        def send(self, request, **options):
            response = requests.Response()
            response.status_code, response.url, response.request = 200, request.url, request
            response.raw = io.BytesIO(self.body.encode())
            return response

        def close(self):
            return None

    web = requests.Session()
    web.headers["User-Agent"] = "tests"
    web.mount("test://", Canned())

    def fetch(url, **parameters):
        response = web.get(url, params=parameters, timeout=5)
        response.raise_for_status()
        return response

    @cache_data
    def with_requests(path):
        try:
            return fetch(f"test://host/{path}", page=1).json(), requests.codes.ok
        except requests.RequestException:
            return None

    ARGUMENT_requests = "items"

    def change_requests():
        web.headers["User-Agent"] = "others"


if has("sqlalchemy"):
    from sqlalchemy import ForeignKey, String, create_engine, func, select
    from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

    class Root(DeclarativeBase):
        pass

    class Author(Root):
        __tablename__ = "author"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str] = mapped_column(String(30))
        books: Mapped[list[Book]] = relationship(back_populates="author")

    class Book(Root):
        __tablename__ = "book"
        id: Mapped[int] = mapped_column(primary_key=True)
        author_id: Mapped[int] = mapped_column(ForeignKey("author.id"))
        author: Mapped[Author] = relationship(back_populates="books")

    made = not Path("books.db").exists()
    engine = create_engine("sqlite:///books.db")
    if made:
        Root.metadata.create_all(engine)
        with Session(engine) as session:
            session.add(Author(id=1, name="Ann", books=[Book(id=1), Book(id=2)]))
            session.commit()

    @cache_data
    def with_sqlalchemy(name):
        with Session(engine) as session:
            count = session.scalar(select(func.count(Book.id)).join(Author).where(Author.name == name))
            return count, [book.id for book in session.scalars(select(Book))]

    ARGUMENT_sqlalchemy = "Ann"

    def change_sqlalchemy():
        with Session(engine) as session:
            session.add(Book(author_id=1))
            session.commit()


if has("pydantic"):
    from pydantic import BaseModel, ConfigDict, Field, computed_field, field_validator

    class Limits(BaseModel):
        model_config = ConfigDict(validate_assignment=True)
        low: int = 0
        high: int = Field(default=10, gt=0)

        @field_validator("low")
        @classmethod
        def not_negative(cls, value):
            return max(value, 0)

        @computed_field
        @property
        def span(self) -> int:
            return self.high - self.low

    class Query(BaseModel):
        text: str
        limits: Limits = Field(default_factory=Limits)

    limits = Limits(low=2)

    @cache_data
    def with_pydantic(query):
        return Query.model_validate(query.model_dump()), limits.span, query.model_dump_json()

    ARGUMENT_pydantic = Query(text="a")

    def change_pydantic():
        limits.low = 5


if has("attrs"):
    import attrs

    @attrs.define
    class Point:
        x: float = attrs.field(converter=float)
        y: float = attrs.field(default=0.0, validator=attrs.validators.instance_of(float))
        tags: list = attrs.field(factory=list)

        def length(self):
            return (self.x**2 + self.y**2) ** 0.5

    @attrs.frozen
    class Path2:
        points: tuple[Point, ...]

    origin = Point(1, 1.0)

    @cache_data
    def with_attrs(point):
        path = Path2((origin, attrs.evolve(point, x=2)))
        return path, attrs.asdict(path), sum(point.length() for point in path.points)

    ARGUMENT_attrs = Point(3)

    def change_attrs():
        origin.tags.append("moved")


@cache_data
def nothing_special(x):
    return x


def main(phase: str) -> None:
    """Call every function twice; in the phase "changed", after something has changed."""
    space = globals()
    nothing_special.is_cached(1)  # opens the store
    report = {}
    for name in [name.removeprefix("with_") for name in space if name.startswith("with_")]:
        foo, argument = space[f"with_{name}"], space[f"ARGUMENT_{name}"]
        if phase == "changed":
            space[f"change_{name}"]()
        try:
            started = time.perf_counter()
            foo.is_cached(argument)
            key = time.perf_counter() - started
            explanation = str(foo.explain(argument))
            foo(argument)
            misses = foo.info().misses
            foo(argument)
            report[name] = {
                "first_missed": misses == 1,
                "second_missed": foo.info().misses > misses,
                "key": key,
                "text": explanation,
            }
        except Exception as error:
            report[name] = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(report))


if __name__ == "__main__":
    main(sys.argv[1])
