# ruff: noqa: E501 - cells are written as their users would
"""A data analysis of thirty cells: what each needs, and an edit of each that changes what it gives."""

from __future__ import annotations

from typing import NamedTuple


class Cell(NamedTuple):
    """One cell: its code, an edited form of it, and the cells whose results it uses."""

    name: str
    source: str
    edit: tuple[str, str]
    needs: str = ""

    @property
    def edited(self) -> str:
        assert self.edit[0] in self.source
        return self.source.replace(*self.edit, 1)


CELLS = [
    Cell("imports", "import numpy as np\nimport pandas as pd\nimport matplotlib.pyplot as plt\nSCALE = 1", ("1", "2")),
    Cell(
        "load",
        "from sklearn.datasets import load_wine\nraw = load_wine(as_frame=True).frame\nraw.shape",
        (".frame", ".frame.iloc[:150]"),
    ),
    Cell("names", "raw.columns[:3].tolist()", ("3", "4"), "load"),
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
        "fig, ax = plt.subplots(figsize=(2, 1))\nax.bar(counts.index, counts.to_numpy())\nax.set_title('n');\nplt.close(fig)",
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
        "tree",
        "from sklearn.tree import DecisionTreeClassifier\ntree = DecisionTreeClassifier(max_depth=2, random_state=0).fit(X[train], y[train])\ntree.get_depth()",
        ("max_depth=2", "max_depth=1"),
        "matrix split",
    ),
    Cell(
        "tree-score",
        "tree_accuracy = tree.score(X[test], y[test])\nround(tree_accuracy, 2)",
        ("tree.score(X[test], y[test])", "1 - tree.score(X[test], y[test])"),
        "tree matrix split",
    ),
    Cell(
        "depths",
        "from tqdm import tqdm\nscores = {}\nfor depth in tqdm(range(1, 4)):\n    scores[depth] = DecisionTreeClassifier(max_depth=depth, random_state=0).fit(X[train], y[train]).score(X[test], y[test])\nscores",
        ("range(1, 4)", "range(1, 5)"),
        "matrix split",
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
        "shown",
        "from IPython.display import HTML, display\ndisplay(HTML('<b>done</b>'))\nlog",
        ("done", "ready"),
        "note",
    ),
    Cell(
        "frame",
        "table = pd.DataFrame({'model': ['centroid', 'tree'], 'accuracy': [accuracy, tree_accuracy]})\ntable.round(2)",
        ("'tree'", "'decision tree'"),
        "imports score tree-score",
    ),
    Cell("winner", "winner = table.sort_values('accuracy').model.iloc[-1]\nwinner", ("[-1]", "[0]"), "frame"),
    Cell(
        "loop",
        "total = 0\nfor row in table.itertuples():\n    total += row.accuracy\nround(total, 2)",
        ("total = 0", "total = 1"),
        "frame",
    ),
    Cell(
        "choose",
        "if total > 1:\n    verdict = f'{winner} is good'\nelse:\n    verdict = f'{winner} is not'\nverdict",
        ("is good", "will do"),
        "winner loop",
    ),
    Cell("last", "print(verdict, best, len(log))\ndel rng", ("print(", "print('at last', "), "choose best note seed"),
]
