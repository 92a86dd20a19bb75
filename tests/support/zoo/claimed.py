"""The types that another tool that keeps the state of notebooks, Kishu, lists as its own: what was not here already.

`CLAIMED` goes through the list of its documentation in order. Where that names a module, the type is what its example
there makes with it.
"""

from __future__ import annotations

from zoo.specimen import Family

__all__ = ["CLAIMED", "FAMILIES", "OUT_OF_REACH"]

# fmt: off

FAMILIES: list[Family] = []


def _family(name: str, needs: str, setting: str) -> Family:
    FAMILIES.append(Family(name, needs, setting, heavy=True))
    return FAMILIES[-1]


_add = _family(
    "astropy", "astropy",
    """
import numpy as np, astropy.units as u, warnings
from astropy import coordinates, convolution, modeling, nddata, stats, table, visualization, wcs
from astropy.io import fits
from astropy.modeling import models, fitting
from astropy.visualization.mpl_normalize import ImageNormalize
def header(n):
    made = wcs.WCS(naxis=2); made.wcs.crpix = [n, 1]; return made
def found(n):
    return nddata.NDDataRef(np.ones((2, 2)), uncertainty=nddata.StdDevUncertainty(n * np.ones((2, 2))))
""",
).add
_add("Box2DKernel", "convolution.Box2DKernel(3)", "convolution.Box2DKernel(5)", "x.array[0][0] = 0.5", "x.shape")
_add("Gaussian2DKernel", "convolution.Gaussian2DKernel(1)", "convolution.Gaussian2DKernel(2)", "x.array[0][0] = 0.5", "x.shape")
_add("HDUList", "fits.HDUList([fits.PrimaryHDU(np.zeros((2, 2)))])", "fits.HDUList([fits.PrimaryHDU(np.ones((2, 2)))])", "x.append(fits.ImageHDU())", "len(x)")
_add("PrimaryHDU", "fits.PrimaryHDU(np.zeros((2, 2)))", "fits.PrimaryHDU(np.ones((2, 2)))", "x.add_checksum()", "x.data")
_add("LinearLSQFitter", "fitting.LinearLSQFitter()", "fitting.LinearLSQFitter(calc_uncertainties=True)", "x._calc_uncertainties = True", "x.fit_info")
_add("Ellipse2D", "models.Ellipse2D(1, 2, 3, 4, 5)", "models.Ellipse2D(1, 2, 3, 4, 6)", "x.x_0 = 50", "x(1, 1)")
_add("Linear1D", "models.Linear1D(1, 2)", "models.Linear1D(1, 3)", "x.slope = 3", "x(1)")
_add("Polynomial1D", "models.Polynomial1D(2, c0=1)", "models.Polynomial1D(2, c0=2)", "x.c1 = 3", "x(1)")
_add("Polynomial2D", "models.Polynomial2D(2, c0_0=1)", "models.Polynomial2D(2, c0_0=2)", "x.x_domain = (-5, 5)", "x(1, 1)")
_add("NDData", "nddata.NDData(np.zeros(3))", "nddata.NDData(np.ones(3))", "x.data[0] = 9", "x.data")
_add("NDDataRef", "found(1)", "found(2)", "x.data[0, 0] = 9", "x.data")
_add("SigmaClip", "stats.SigmaClip(sigma=2, maxiters=5)", "stats.SigmaClip(sigma=3, maxiters=5)", "x.sigma = 4", "x.sigma")
_add("Quantity", "[1, 2] * u.m", "[1, 2] * u.s", "x.value[1] = 9", "x.unit")
_add("PercentileInterval", "visualization.PercentileInterval(50.)", "visualization.PercentileInterval(60.)", "x.n_samples = 9", "x.get_limits([1, 2])")
_add("SkyCoord", "coordinates.SkyCoord(ra=1 * u.deg, dec=2 * u.deg)", "coordinates.SkyCoord(ra=1 * u.deg, dec=3 * u.deg)", use="x.ra")
_add("QTable", "table.QTable([[1, 4], [1., 2.] * u.m], names=('a', 'b'), meta={'n': 1})", "table.QTable([[1, 4], [1., 2.] * u.m], names=('a', 'b'), meta={'n': 2})", "x['c'] = [1, 2]", "x['a'].sum()")
_add("ImageNormalize", "ImageNormalize(vmin=0, vmax=1, stretch=visualization.SqrtStretch())", "ImageNormalize(vmin=0, vmax=2, stretch=visualization.SqrtStretch())", "x.vmin = 0.5", "x.vmin")
_add("WCS", "header(1)", "header(2)", "x.wcs.crpix = [9, 9]", "x.naxis")

_add = _family(
    "photutils", "photutils astropy",
    """
import numpy as np, photutils.psf_matching as matching
from photutils.utils import CutoutImage, ImageDepth
""",
).add
_add("CosineBellWindow", "matching.CosineBellWindow(alpha=0.3)", "matching.CosineBellWindow(alpha=0.4)", "x.alpha = 0.5", "x((3, 3))")
_add("HanningWindow", "matching.HanningWindow()", "matching.CosineBellWindow(alpha=1)", "x.alpha = 0.5", "x((3, 3))")
_add("CutoutImage", "CutoutImage(np.arange(9.).reshape(3, 3), (1, 1), (2, 2))", "CutoutImage(np.ones((3, 3)), (1, 1), (2, 2))", "x.data[0, 0] = 9", "x.shape")
_add("ImageDepth", "ImageDepth(2, nsigma=3., seed=1)", "ImageDepth(2, nsigma=4., seed=1)", "x.n_sigma = 9", "x.aper_radius")

_add = _family("bokeh", "bokeh", "import bokeh.plotting as plotting, bokeh.models as models").add
_add("figure", "plotting.figure(title='a')", "plotting.figure(title='b')", "x.title.text = 'c'", "x.title.text", unstored="its pickle cannot be loaded", apart="a counted name")

_add = _family("lmfit", "lmfit", "import lmfit\ndef parameters(value):\n    made = lmfit.Parameters(); made.add('a', value); return made").add
_add("Parameters", "parameters(1)", "parameters(2)", "x['a'].value = 9", "x['a'].value")

_add = _family("gymnasium", "gymnasium", "import gymnasium").add
_add("Box", "gymnasium.spaces.Box(0, 1, (2,))", "gymnasium.spaces.Box(0, 2, (2,))", "x.seed(1)", "x.contains([0, 0])")
_add("Env", "gymnasium.make('CartPole-v1')", "gymnasium.make('MountainCar-v0')", "x.reset(seed=1)", "0")

_add = _family("dill", "dill", "import dill").add
_add("bytes of a function", "dill.dumps({'a': 1})", "dill.dumps({'a': 2})", use="dill.loads(x)")

_add = _family("llm", "llm", "import llm\nfrom llm.default_plugins.openai_models import Chat").add
_add("Chat", "Chat('a')", "Chat('b')", "x.model_name = 'c'", "x.model_id")

_add = _family("wordcloud", "wordcloud", "import wordcloud").add
_add("WordCloud", "wordcloud.WordCloud(width=20, height=20)", "wordcloud.WordCloud(width=20, height=30)", "x.max_words = 9", "x.width")

_add = _family("texts", "textblob nltk", "import textblob, nltk.stem.porter as porter").add
_add("TextBlob", "textblob.TextBlob('a dog')", "textblob.TextBlob('a cat')", "x.raw = 'b'", "x.raw")
_add("PorterStemmer", "porter.PorterStemmer()", "porter.PorterStemmer('ORIGINAL_ALGORITHM')", "x.pool['a'] = 'b'", "x.stem('dogs')")

_add = _family("optuna", "optuna", "import optuna\noptuna.logging.set_verbosity(optuna.logging.ERROR)\ndef study(n):\n    made = optuna.create_study(study_name='s'); made.enqueue_trial({'a': n}); return made").add
_add("Study", "study(1)", "study(2)", "x.enqueue_trial({'a': 9})", "x.direction", apart="a clock")

_add = _family("tokenizers", "tokenizers", "import tokenizers, tokenizers.models as models\ndef made(n): return tokenizers.Tokenizer(models.WordLevel({'a': 0, 'b': n}, unk_token='a'))").add
_add("Tokenizer", "made(1)", "made(2)", "x.add_tokens(['n'])", "x.get_vocab_size()")

_add = _family(
    "transformers", "transformers tokenizers torch",
    """
import transformers, tokenizers, tokenizers.models as models, torch
def configured(n): return transformers.BertConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=n, intermediate_size=8, vocab_size=9)
def model(n):
    torch.manual_seed(0); return transformers.BertModel(configured(n))
def fast(n): return transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizers.Tokenizer(models.WordLevel({'a': 0, 'b': n}, unk_token='a')))
""",
).add
_add("BertConfig", "configured(1)", "configured(2)", "x.hidden_size = 4", "x.hidden_size")
_add("BertModel", "model(1)", "model(2)", "x.pooler.dense.bias.data[0] = 9", "x.num_parameters()")
_add("PreTrainedTokenizerFast", "fast(1)", "fast(2)", "x.add_tokens(['n'])", "x.vocab_size")

_add = _family("gensim", "gensim", "import gensim.corpora as corpora, gensim.models as models\nTEXTS = [['a', 'b'], ['a', 'c']]\ndef trained(n): return models.Word2Vec(TEXTS, vector_size=n, min_count=1, seed=1, workers=1)").add
_add("Dictionary", "corpora.Dictionary(TEXTS)", "corpora.Dictionary(TEXTS[:1])", "x.add_documents([['z']])", "len(x)", apart="a clock")
_add("Word2Vec", "trained(2)", "trained(3)", "x.wv.vectors[0] = 9", "x.wv['a']", apart="a clock")

_add = _family("qiskit", "qiskit", "import qiskit\ndef circuit(n):\n    made = qiskit.QuantumCircuit(2, name='c'); made.rx(n, 0); return made").add
_add("QuantumCircuit", "circuit(1)", "circuit(2)", "x.h(0)", "x.depth()", apart="an identity of its own")

_add = _family("skimage", "skimage", "import numpy as np, skimage, skimage.morphology as morphology, skimage.transform as transform\nLABELS = np.eye(4, dtype=int)").add
_add("closed image", "morphology.closing(LABELS, morphology.disk(1))", "morphology.dilation(LABELS, morphology.disk(1))", "x[0, 0] = 9", "x.sum()")
_add("AffineTransform", "transform.AffineTransform(scale=(1, 2))", "transform.AffineTransform(scale=(1, 3))", "x.params[0, 0] = 9", "x.params")

_add = _family("cv2", "cv2", "import cv2, numpy as np").add
_add("ndarray of cv2", "cv2.cvtColor(np.zeros((2, 2, 3), 'u1'), cv2.COLOR_BGR2GRAY)", "cv2.cvtColor(np.ones((2, 2, 3), 'u1'), cv2.COLOR_BGR2GRAY)", "x[0, 0] = 9", "x.sum()")
_add("KeyPoint", "cv2.KeyPoint(1, 2, 3)", "cv2.KeyPoint(1, 2, 4)", "x.size = 5.0", "x.size", unstored="cv2 cannot pickle it")

_add = _family(
    "more plots", "matplotlib plotly seaborn pandas",
    """
import matplotlib; matplotlib.use("agg")
import matplotlib.figure, matplotlib.dates as dates, matplotlib.ticker as ticker, matplotlib.patches as patches, numpy as np
import matplotlib.offsetbox as offsetbox, mpl_toolkits.mplot3d.art3d as art3d, pandas as pd, seaborn as sns
import plotly.express as px, plotly.figure_factory as ff, plotly.subplots as subplots, plotly.graph_objects as go, plotly.io as pio
FRAME = pd.DataFrame({"a": [1.0, 2.0, 4.0], "b": [2.0, 1.0, 3.0]})
def scatter(column): return sns.scatterplot(FRAME, x="a", y=column, ax=matplotlib.figure.Figure().add_subplot())
def image(n): return matplotlib.figure.Figure().add_subplot().imshow(np.full((2, 2), n))
def whole(n): return matplotlib.figure.Figure().figimage(np.full((2, 2), n))
def box(n): return offsetbox.AnchoredOffsetbox("upper left", child=offsetbox.TextArea(n))
""",
).add
_add("AutoDateFormatter", "dates.AutoDateFormatter(dates.AutoDateLocator())", "dates.AutoDateFormatter(dates.AutoDateLocator(), defaultfmt='%d')", "x.scaled[1.0] = '%M'", "x.defaultfmt")
_add(
    "WeekdayLocator", "dates.WeekdayLocator(byweekday=1)", "dates.WeekdayLocator(byweekday=2)", "x.tz = 'n'", "x.tz",
    apart="the time at which it was made",
)
_add("AutoLocator", "ticker.AutoLocator()", "ticker.MaxNLocator(3)", "x.set_params(nbins=4)", "x.tick_values(0, 1)")
_add("Axes of seaborn", "scatter('b')", "scatter('a')", "x.set_xlabel('n')", "x.get_xlabel()")
_add("Ellipse", "patches.Ellipse((0, 0), 1, 2)", "patches.Ellipse((0, 0), 1, 3)", "x.set_center((2, 3))", "x.get_center()")
_add("FancyArrowPatch", "patches.FancyArrowPatch((0, 0), (1, 1))", "patches.FancyArrowPatch((0, 0), (1, 2))", "x.set_linewidth(3)", "x.get_linewidth()")
_add("AxesImage", "image(1.0)", "image(2.0)", "x.set_alpha(0.5)", "x.get_alpha()")
_add("FigureImage", "whole(1.0)", "whole(2.0)", "x.set_alpha(0.5)", "x.get_alpha()")
_add("AnchoredOffsetbox", "box('a')", "box('b')", "x.set_zorder(9)", "x.get_zorder()")
_add("Line3DCollection", "art3d.Line3DCollection([[(0, 0, 0), (1, 1, 1)]])", "art3d.Line3DCollection([[(0, 0, 0), (1, 1, 2)]])", "x.set_alpha(0.5)", "x.get_alpha()")
_add("Figure of plotly.express", "px.scatter(FRAME, x='a', y='b')", "px.scatter(FRAME, x='b', y='a')", "x.update_layout(title='n')", "x.layout.title")
_add("Figure of figure_factory", "ff.create_quiver([1], [2], [1], [1])", "ff.create_quiver([1], [2], [1], [2])", "x.update_layout(title='n')", "x.layout.title")
_add("Figure with subplots", "subplots.make_subplots(2, 1)", "subplots.make_subplots(3, 1)", "x.add_scatter(y=[1])", "len(x.data)")
_add("text of plotly.io", "pio.to_json(go.Figure())", "pio.to_json(go.Figure(go.Bar()))", use="len(x)")

_add = _family(
    "more of scikit-learn", "sklearn lightgbm statsmodels scipy",
    """
import numpy as np, lightgbm, scipy.ndimage, scipy.spatial.distance, scipy.special, scipy.signal, statsmodels.api as sm
from sklearn import cluster, decomposition, ensemble, feature_selection, impute, kernel_ridge, manifold, multiclass, svm
from sklearn import neural_network, random_projection, model_selection, metrics, utils, datasets
X = np.random.RandomState(0).rand(40, 3); Y = (X[:, 0] > 0.5).astype(int)
""",
).add
for _name, _made, _fit, _param in (
    ("MiniBatchKMeans", "cluster.MiniBatchKMeans(2, random_state=0, n_init={})", "X", "n_init"),
    ("IncrementalPCA", "decomposition.IncrementalPCA({})", "X", "n_components"),
    ("AdaBoostClassifier", "ensemble.AdaBoostClassifier(n_estimators={}, random_state=0)", "X, Y", "n_estimators"),
    ("SelectPercentile", "feature_selection.SelectPercentile(percentile={}0)", "X, Y", "percentile"),
    ("KNNImputer", "impute.KNNImputer(n_neighbors={})", "X", "n_neighbors"),
    ("KernelRidge", "kernel_ridge.KernelRidge(alpha={})", "X, Y", "alpha"),
    ("LocallyLinearEmbedding", "manifold.LocallyLinearEmbedding(n_components={}, random_state=0)", "X", "n_components"),
    ("OneVsOneClassifier", "multiclass.OneVsOneClassifier(svm.LinearSVC(C={}, random_state=0))", "X, Y", "estimator__C"),
    ("MLPClassifier", "neural_network.MLPClassifier((4,), max_iter={}, random_state=0)", "X, Y", "max_iter"),
    ("GaussianRandomProjection", "random_projection.GaussianRandomProjection({}, random_state=0)", "X", "n_components"),
):
    _add(_name, f"{_made.format(1)}.fit({_fit})", f"{_made.format(2)}.fit({_fit})", f"x.set_params({_param}=3)", f"x.get_params()['{_param}']")
_add("GroupKFold", "model_selection.GroupKFold(2)", "model_selection.GroupKFold(3)", "x.n_splits = 4", "x.n_splits")
_add("score", "metrics.mean_squared_error([1, 2], [1, 3])", "metrics.mean_squared_error([1, 2], [1, 4])")
_add("distances", "metrics.pairwise.euclidean_distances(X, X)", "metrics.pairwise.euclidean_distances(X, X + 1)", "x[0, 0] = 9", "x.sum()")
_add("shuffled", "utils.shuffle(Y, random_state=0)", "utils.shuffle(Y, random_state=1)", "x[0] = 9", "x.sum()")
_add("make_friedman1", "datasets.make_friedman1(random_state=1)", "datasets.make_friedman1(random_state=2)", "x[0][0, 0] = 9", "x[0].sum()")
_add("lightgbm.Dataset", "lightgbm.Dataset(X, Y)", "lightgbm.Dataset(X, 1 - Y)", "x.free_raw_data = False", "x.params")
_add("image, filtered", "scipy.ndimage.gaussian_filter(X, 1)", "scipy.ndimage.gaussian_filter(X, 2)", "x[0, 0] = 9", "x.sum()")
_add("distance", "scipy.spatial.distance.cdist(X, X)", "scipy.spatial.distance.cdist(X, X + 1)", "x[0, 0] = 9", "x.sum()")
_add("hausdorff", "scipy.spatial.distance.directed_hausdorff(X, X + 1)", "scipy.spatial.distance.directed_hausdorff(X, X + 2)")
_add("special", "scipy.special.gamma(X)", "scipy.special.gammaln(X)", "x[0, 0] = 9", "x.sum()")
_add("window", "scipy.signal.windows.hann(5)", "scipy.signal.windows.hamming(5)", "x[0] = 9", "x.sum()")

_add = _family("more of keras", "keras torch", "import os; os.environ['KERAS_BACKEND'] = 'torch'\nimport keras, numpy as np\n"
"def built(layer, *shape):\n    keras.utils.set_random_seed(0); layer.build((None, *shape)); return layer\n"
"def connected(n):\n    keras.utils.set_random_seed(0); keras.backend.clear_session()\n    a = keras.Input((3,)); return keras.Model(a, keras.layers.Dense(n)(keras.layers.Dropout(0.5)(a)))\n"
"def trained(n):\n    made = connected(1); made.compile('adam', 'mse'); made.fit(np.ones((4, 3)), np.full((4, 1), n), verbose=0); return made\n").add
_add("RandomNormal", "keras.initializers.RandomNormal(0., 1., seed=1)", "keras.initializers.RandomNormal(0., 2., seed=1)", "x.stddev = 3.", "x.stddev")
_add("RandomUniform", "keras.initializers.RandomUniform(0., 1., seed=1)", "keras.initializers.RandomUniform(0., 2., seed=1)", "x.maxval = 3.", "x.maxval")
_add("Dense", "keras.layers.Dense(2, name='a')", "keras.layers.Dense(3, name='a')", "x.units = 4", "x.units")
_add("ExponentialDecay", "keras.optimizers.schedules.ExponentialDecay(1., 2, 0.5)", "keras.optimizers.schedules.ExponentialDecay(1., 2, 0.6)", "x.decay_rate = 0.7", "x.decay_rate")
_add("BatchNormalization", "built(keras.layers.BatchNormalization(name='a'), 3)", "built(keras.layers.BatchNormalization(momentum=0.5, name='a'), 3)", "x.gamma.assign(x.gamma + 1)", "x.gamma")
_add("LSTM", "built(keras.layers.LSTM(2, name='a'), 4, 3)", "built(keras.layers.LSTM(3, name='a'), 4, 3)", "x.cell.bias.assign(x.cell.bias + 1)", "x.units")
_add("Functional", "connected(1)", "connected(2)", "x.layers[-1].bias.assign(x.layers[-1].bias + 1)", "x.count_params()")
_add("Functional, trained", "trained(1.0)", "trained(2.0)", "x.optimizer.learning_rate = 0.5", "x(np.ones((1, 3)))")
_add("Mean", "keras.metrics.Mean(name='a')", "keras.metrics.Mean(name='b')", "x.update_state(1.0)", "x.result()")
_add("EarlyStopping", "keras.callbacks.EarlyStopping(patience=1)", "keras.callbacks.EarlyStopping(patience=2)", "x.patience = 3", "x.patience")
_add("Adam", "keras.optimizers.Adam(0.1, name='a')", "keras.optimizers.Adam(0.2, name='a')", "x.learning_rate = 0.3", "x.iterations")

_add = _family("more of the standard library", "", "import ast, copy, itertools, json, pickle, typing, urllib.request, uuid").add
_add("Request", "urllib.request.Request('http://a')", "urllib.request.Request('http://b')", "x.add_header('n', '1')", "x.full_url")
_add("itertools.cycle", "itertools.cycle([1, 2])", "itertools.cycle([1, 3])", use="0")
_add("text of json", "json.dumps({'a': 1})", "json.dumps({'a': 2})")
_add("bytes of pickle", "pickle.dumps({'a': 1})", "pickle.dumps({'a': 2})")
_add("copy", "copy.deepcopy({'a': [1]})", "copy.deepcopy({'a': [2]})", "x['a'].append(3)", "x['a']")
_add("typing.List", "typing.List[int]", "typing.List[str]")

_add = _family("widgets", "ipywidgets", "import ipywidgets").add
_add("IntSlider", "ipywidgets.IntSlider(1)", "ipywidgets.IntSlider(2)", "x.value = 3", "x.value", unstored="it belongs to a front end")

_add = _family("prophet", "prophet", "import prophet").add
_add("Prophet", "prophet.Prophet()", "prophet.Prophet(growth='flat')", "x.holidays_prior_scale = 3.", "x.growth")

_add = _family("catboost", "catboost", "import catboost, numpy as np\nX = np.random.RandomState(0).rand(60, 3); Y = (X[:, 0] > 0.5).astype(int)\ndef made(n, **more): return catboost.CatBoostClassifier(iterations=n, verbose=0, allow_writing_files=False).fit(X, Y, **more)").add
_add("CatBoostClassifier", "made(2)", "made(3)", "x.note = 1", "x.predict(X)")
_add("CatBoostClassifier, to be fitted", "catboost.CatBoostClassifier(iterations=2)", "catboost.CatBoostClassifier(iterations=3)", "x.set_params(depth=3)", "x.get_params()")
_add("CatBoostClassifier with an evaluation set", "made(2, eval_set=(X, Y))", "made(3, eval_set=(X, Y))", "x.note = 1", "x.predict(X)", unstored="catboost loses what it predicted for the set")

#: What is on that list and cannot be tried here.
OUT_OF_REACH = {
    "dataprep.datasets": "its last release needs a pandas of before 2.0",
    "dataprep.eda.intermediate.Intermediate": "its last release needs a pandas of before 2.0",
    "pyspark.sql": "it needs a Java runtime",
    "tensorflow": "it brings a gigabyte, and its keras is here on torch",
}

_SAME = """
catboost = catboost: CatBoostClassifier
arrow.arrow.Arrow = arrow: Arrow
astropy.convolution.Box2DKernel = astropy: Box2DKernel
astropy.convolution.Gaussian2DKernel = astropy: Gaussian2DKernel
astropy.io.fits.HDUList = astropy: HDUList
astropy.io.fits.PrimaryHDU = astropy: PrimaryHDU
astropy.modeling.fitting.LinearLSQFitter = astropy: LinearLSQFitter
astropy.modeling.functional_models.Ellipse2D = astropy: Ellipse2D
astropy.modeling.functional_models.Linear1D = astropy: Linear1D
astropy.modeling.polynomial.Polynomial1D = astropy: Polynomial1D
astropy.modeling.polynomial.Polynomial2D = astropy: Polynomial2D
astropy.nddata.NDData = astropy: NDData
astropy.nddata.NDDataRef = astropy: NDDataRef
astropy.stats.SigmaClip = astropy: SigmaClip
astropy.units.Quantity = astropy: Quantity
astropy.visualization.PercentileInterval = astropy: PercentileInterval
bokeh.plotting._figure.figure = bokeh: figure
dask = dask: Array
dill = dill: bytes of a function
gym = gymnasium: Env
keras RandomNormal = more of keras: RandomNormal
keras RandomUniform = more of keras: RandomUniform
keras Dense = more of keras: Dense
keras ExponentialDecay = more of keras: ExponentialDecay
llm.default_plugins.openai_models.Chat = llm: Chat
lmfit.parameter.Parameters = lmfit: Parameters
matplotlib.colors.ListedColormap = matplotlib: ListedColormap
matplotlib.dates.AutoDateFormatter = more plots: AutoDateFormatter
matplotlib.dates.WeekdayLocator = more plots: WeekdayLocator
matplotlib.ticker.AutoLocator = more plots: AutoLocator
networkx.classes.digraph.DiGraph = networkx: DiGraph
networkx.classes.graph.Graph = networkx: Graph
ast = standard library: ast.AST
copy = more of the standard library: copy
datetime.time = standard library: time
datetime.timedelta = standard library: timedelta
hashlib = standard library: hashlib
itertools = more of the standard library: itertools.cycle
json = more of the standard library: text of json
numpy.ndarray = numpy: ndarray
numpy.ndarray, of objects = numpy: ndarray of objects
pickle = more of the standard library: bytes of pickle
random.Random = standard library: random.Random
urllib.request.Request = more of the standard library: Request
cv2 = cv2: ndarray of cv2
pandas.DataFrame = pandas: DataFrame
pathlib.PosixPath = standard library: Path
photutils.psf.matching.CosineBellWindow = photutils: CosineBellWindow
photutils.psf.matching.HanningWindow = photutils: HanningWindow
photutils.utils.CutoutImage = photutils: CutoutImage
photutils.utils.ImageDepth = photutils: ImageDepth
plotly.io = more plots: text of plotly.io
plotly.offline = plots: plotly Figure
prophet.Prophet = prophet: Prophet
skimage = skimage: AffineTransform
skimage.morphology = skimage: closed image
sklearn.datasets, a Bunch = scikit-learn: Bunch
sklearn.datasets, arrays = more of scikit-learn: make_friedman1
sklearn.feature_extraction.text = scikit-learn: CountVectorizer
sklearn.metrics = more of scikit-learn: score
sklearn.metrics.pairwise = more of scikit-learn: distances
sklearn.model_selection = more of scikit-learn: GroupKFold
sklearn.utils = more of scikit-learn: shuffled
scipy.interpolate = scipy: CubicSpline
scipy.ndimage = more of scikit-learn: image, filtered
scipy.optimize = scipy: OptimizeResult
scipy.signal = scipy: TransferFunction
scipy.signal.windows = more of scikit-learn: window
scipy.sparse = scipy: coo_array
scipy.spatial, Delaunay = scipy: Delaunay
scipy.spatial, ConvexHull = scipy: ConvexHull
scipy.spatial.distance = more of scikit-learn: distance
scipy.spatial.distance._hausdorff = more of scikit-learn: hausdorff
scipy.special = more of scikit-learn: special
scipy.stats = scipy: ttest result
tensorflow.keras.models = keras: Sequential
tensorflow.keras.optimizers = more of keras: Adam
textblob.TextBlob = texts: TextBlob
torch = torch: Tensor
torch.nn = torch: Linear
torch.nn.functional = torch: Tensor, transposed
torch.utils.data = torch: DataLoader
huggingface = transformers: PreTrainedTokenizerFast
transformers = transformers: BertModel
typing = more of the standard library: typing.List
wordcloud.WordCloud = wordcloud: WordCloud
pandas.Series = pandas: Series
matplotlib.Axes, of seaborn = more plots: Axes of seaborn
matplotlib.Axes = matplotlib: Axes
qiskit.QuantumCircuit = qiskit: QuantumCircuit
ipywidgets = widgets: IntSlider
uuid.UUID = standard library: UUID
re.Pattern = standard library: re.Pattern
sklearn.cluster, KMeans = scikit-learn: KMeans
sklearn.cluster, MiniBatchKMeans = more of scikit-learn: MiniBatchKMeans
sklearn.compose = scikit-learn: ColumnTransformer
sklearn.decomposition = more of scikit-learn: IncrementalPCA
sklearn.discriminant_analysis = scikit-learn: LinearDiscriminantAnalysis
sklearn.dummy = scikit-learn: DummyClassifier
sklearn.ensemble = more of scikit-learn: AdaBoostClassifier
sklearn.feature_selection = more of scikit-learn: SelectPercentile
sklearn.impute, SimpleImputer = scikit-learn: SimpleImputer
sklearn.impute, KNNImputer = more of scikit-learn: KNNImputer
sklearn.kernel_ridge = more of scikit-learn: KernelRidge
sklearn.linear_model, LinearRegression = scikit-learn: LinearRegression
sklearn.linear_model, LogisticRegression = scikit-learn: LogisticRegression
sklearn.manifold = more of scikit-learn: LocallyLinearEmbedding
sklearn.mixture = scikit-learn: GaussianMixture
sklearn.multiclass = more of scikit-learn: OneVsOneClassifier
sklearn.naive_bayes = scikit-learn: GaussianNB
sklearn.neighbors = scikit-learn: KNeighborsClassifier
sklearn.neural_network = more of scikit-learn: MLPClassifier
sklearn.pipeline = scikit-learn: Pipeline
sklearn.preprocessing = scikit-learn: OneHotEncoder
sklearn.random_projection = more of scikit-learn: GaussianRandomProjection
sklearn.svm = scikit-learn: SVC
sklearn.tree = scikit-learn: DecisionTreeClassifier
sklearn.base = scikit-learn: Mine
seaborn = more plots: Axes of seaborn
statsmodels.api = statistics: OLS results
tokenizers = tokenizers: Tokenizer
torch.optim = torch: Adam
plotly.express = more plots: Figure of plotly.express
plotly.graph_objects = plots: plotly Figure
plotly.figure_factory = more plots: Figure of figure_factory
plotly.subplots = more plots: Figure with subplots
polars.DataFrame = polars: DataFrame
gensim = gensim: Word2Vec
matplotlib.colors.BoundaryNorm = matplotlib: BoundaryNorm
matplotlib.lines.Line2D = matplotlib: Line2D
matplotlib.patches.Ellipse = more plots: Ellipse
matplotlib.patches.Arrow = more plots: FancyArrowPatch
matplotlib.image.AxesImage = more plots: AxesImage
matplotlib.image.FigureImage = more plots: FigureImage
matplotlib.offsetbox.AnchoredOffsetbox = more plots: AnchoredOffsetbox
astropy.coordinates.SkyCoord = astropy: SkyCoord
astropy.table.QTable = astropy: QTable
astropy.visualization.mpl_normalize.ImageNormalize = astropy: ImageNormalize
astropy.wcs.WCS = astropy: WCS
optuna.Study = optuna: Study
mpl_toolkits.mplot3d.art3d.Line3DCollection = more plots: Line3DCollection
nltk.stem.porter.PorterStemmer = texts: PorterStemmer
lightgbm.basic.Dataset = more of scikit-learn: lightgbm.Dataset
xgboost.XGBRegressor = boosting: XGBClassifier
"""
#: What is on that list, and which type here it is.
CLAIMED: dict[str, str] = dict(line.split(" = ", 1) for line in _SAME.split("\n") if line)  # type: ignore[misc]
