# ruff: noqa: E501 - cells are written as their users would
"""A data analysis of thirty cells: what each needs, and an edit of each that changes what it gives.

Loading, cleaning, plots, trained models, a progress bar, widgets, and a list that cells add to. `EFFORT` in its first
cell says how much there is to compute: 1 is for tests that run it sixty times, more is for whoever wants to wait.
"""

from __future__ import annotations

from typing import NamedTuple


class Cell(NamedTuple):
    """One cell: its code, an edited form of it, and the cells whose results it uses.

    Attributes
    ----------
    lives : whether it makes something that lives in its kernel only, so that it runs every time
    """

    name: str
    source: str
    edit: tuple[str, str]
    needs: str = ""
    lives: bool = False

    @property
    def edited(self) -> str:
        assert self.edit[0] in self.source
        return self.source.replace(*self.edit, 1)


def with_effort(effort: int) -> list[str]:
    """The sources of all cells, with so much to compute."""
    return [cell.source.replace("EFFORT = 1\n", f"EFFORT = {effort}\n") for cell in CELLS]


CELLS = [
    Cell(
        "imports",
        "import matplotlib.pyplot as plt\nimport numpy as np\nimport pandas as pd\nEFFORT = 1\nSCALE = 1",
        ("SCALE = 1", "SCALE = 2"),
    ),
    Cell(
        "load",
        "from sklearn.datasets import load_wine\nraw = load_wine(as_frame=True).frame\nraw.shape",
        (".frame", ".frame.iloc[:150]"),
    ),
    Cell(
        "clean",
        "wine = raw.rename(columns=lambda c: c.replace('/', '_'))\nwine = wine[wine.alcohol > 11.5]\nlen(wine)",
        ("11.5", "12"),
        "load",
    ),
    Cell("describe", "wine.describe().loc['mean'].round(2)", ("2", "3"), "clean"),
    Cell(
        "count",
        "counts = wine.target.value_counts().sort_index()\ncounts",
        ("sort_index()", "sort_index() + 1"),
        "clean",
    ),
    Cell(
        "bars",
        "fig, ax = plt.subplots(figsize=(2, 1))\nax.bar(counts.index, counts.to_numpy())\nax.set_title('n');",
        ("'n'", "'m'"),
        "imports count",
    ),
    Cell(
        "helper", "def scaled(frame):\n    return (frame - frame.mean()) / frame.std() * SCALE", ("std()", "std() * 2")
    ),
    Cell(
        "scale",
        "features = scaled(wine.drop(columns='target'))\nfeatures.iloc[0].round(3).tolist()[:3]",
        ("features =", "features = 2 *"),
        "imports clean helper",
    ),
    Cell(
        "matrix",
        "X, y = features.to_numpy(), wine.target.to_numpy()\nX.shape, y.sum()",
        ("wine.target.to_numpy()", "1 - wine.target.to_numpy()"),
        "clean scale",
    ),
    Cell("corr", "corr = np.corrcoef(X.T).round(3)\ncorr[0, :3]", ("round(3)", "round(2)"), "imports matrix"),
    Cell(
        "heat",
        "fig, ax = plt.subplots(figsize=(1, 1))\nax.imshow(corr)\nprint('largest', abs(corr - np.eye(len(corr))).max().round(2))",
        ("largest", "maximum"),
        "imports corr",
    ),
    Cell("seed", "rng = np.random.default_rng(0)", ("(0)", "(1)"), "imports"),
    Cell(
        "split",
        "order = rng.permutation(len(X))\ntrain, test = order[:100], order[100:]\ntrain[:5]",
        ("100:", "99:"),
        "matrix seed",
    ),
    Cell(
        "model",
        "class Centroid:\n    def fit(self, X, y):\n        self.means = {int(k): X[y == k].mean(0) for k in np.unique(y)}\n"
        "        return self\n    def predict(self, X):\n        keys = list(self.means)\n"
        "        away = [((X - self.means[k]) ** 2).sum(1) for k in keys]\n        return np.array(keys)[np.argmin(away, 0)]",
        ("** 2", "** 4"),
        "imports",
    ),
    Cell(
        "fit",
        "model = Centroid().fit(X[train], y[train])\nsorted(model.means)",
        ("y[train])", "y[train][::-1])"),
        "matrix split model imports",
    ),
    Cell(
        "score",
        "guess = model.predict(X[test])\naccuracy = (guess == y[test]).mean()\nround(accuracy, 2)",
        (".mean()", ".mean() / 2"),
        "fit matrix split model imports",
    ),
    Cell("report", "print(f'accuracy {accuracy:.1%}')", ("accuracy {", "right {"), "score"),
    Cell(
        "depths",
        "from sklearn.model_selection import cross_val_score\nfrom sklearn.tree import DecisionTreeClassifier\nfrom tqdm import tqdm\n"
        "scores = {}\nfor depth in tqdm(range(1, 4)):\n    tree = DecisionTreeClassifier(max_depth=depth, random_state=0)\n"
        "    scores[depth] = cross_val_score(tree, X, y, cv=3).mean().round(3)\nscores",
        ("range(1, 4)", "range(1, 5)"),
        "matrix",
    ),
    Cell("best", "best = max(scores, key=scores.get)\nbest", ("max(", "min("), "depths"),
    Cell("log", "log = []\nlog", ("[]", "['begun']")),
    Cell(
        "note",
        "log.append(round(accuracy, 2))\nlog.append(best)\nlen(log)",
        ("round(accuracy, 2)", "0"),
        "log score best",
    ),
    Cell(
        "digits",
        "from sklearn.datasets import load_digits\npixels, digit = load_digits(return_X_y=True)\n"
        "pixels, digit = pixels[: 200 * EFFORT], digit[: 200 * EFFORT]\npixels.shape[1], np.bincount(digit).argmax()",
        ("return_X_y=True", "return_X_y=True, n_class=5"),
        "imports",
    ),
    Cell(
        "forest",
        "from sklearn.ensemble import RandomForestClassifier\n"
        "forest = RandomForestClassifier(n_estimators=20 * EFFORT, random_state=0).fit(pixels[::2], digit[::2])\n"
        "hits = forest.predict(pixels[1::2]) == digit[1::2]\nhits.mean().round(3)",
        ("[::2]", "[::4].repeat(2, 0)[: len(digit[::2])]"),
        "imports digits",
    ),
    Cell(
        "bootstrap",
        "drawn = np.random.default_rng(1)\nspread = []\nfor _ in tqdm(range(4 * EFFORT)):\n"
        "    some = drawn.integers(0, len(digit), len(digit))\n    tree = DecisionTreeClassifier(random_state=0).fit(pixels[some], digit[some])\n"
        "    spread.append(tree.score(pixels, digit))\nlow, high = np.quantile(spread, [0.05, 0.95])\nlow.round(3), high.round(3)",
        ("0.05", "0.25"),
        "imports digits depths",
    ),
    Cell(
        "histogram",
        "fig, ax = plt.subplots(figsize=(2, 1))\nax.hist(spread)\nfor edge in (low, high):\n    ax.axvline(edge, color='k')",
        ("'k'", "'r'"),
        "imports bootstrap",
    ),
    Cell(
        "explore",
        "import ipywidgets as widgets\nslider = widgets.IntSlider(best, 1, 5, description='depth')\npage = widgets.Output()\n"
        "with page:\n    print('cross-validated', scores[best])\nwidgets.VBox([slider, page])",
        ("'depth'", "'levels'"),
        "best depths",
        lives=True,
    ),
    Cell(
        "shown",
        "from IPython.display import HTML, display\ndisplay(HTML('<b>done</b>'))\nlog",
        ("done", "ready"),
        "note",
    ),
    Cell(
        "frame",
        "table = pd.DataFrame({'model': ['centroid', 'tree', 'forest'], 'accuracy': [accuracy, scores[best], hits.mean()]})\ntable.round(2)",
        ("'tree'", "'decision tree'"),
        "imports score depths best forest",
    ),
    Cell(
        "choose",
        "total = 0\nfor row in table.itertuples():\n    total += row.accuracy\nwinner = table.sort_values('accuracy').model.iloc[-1]\n"
        "if total > 2:\n    verdict = f'{winner} is good'\nelse:\n    verdict = f'{winner} is not'\nverdict",
        ("[-1]", "[0]"),
        "frame",
    ),
    Cell("last", "print(verdict, best, len(log))\ndel rng", ("print(", "print('at last', "), "choose best note seed"),
]
