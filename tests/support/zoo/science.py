"""Arrays, frames, statistics, models and pictures."""

from __future__ import annotations

from zoo.specimen import Family

# fmt: off

NUMPY = Family(
    "numpy",
    "numpy",
    """
import numpy as np
class Own(np.ndarray): pass
def noted(value, n):
    value.note = n
    return value
def drawn(generator):
    generator.random(); return generator
""",
)
_add = NUMPY.add
for _name, _make, _other in (
    ("ndarray", "np.arange(3.0)", "np.arange(3.0, dtype='f4')"),
    ("ndarray, Fortran order", "np.asfortranarray([[1, 2], [3, 4]])", "np.array([[1, 2], [3, 4]])"),
    ("ndarray of objects", "np.array([1, 'a', None], dtype=object)", "np.array([1, 'b', None], dtype=object)"),
    ("ndarray of text", "np.array(['a', 'b'])", "np.array(['a', 'c'])"),
    ("ndarray of times", "np.array(['2024-01-01'], 'M8[D]')", "np.array(['2024-01-01'], 'M8[s]')"),
    ("ndarray, longlong", "np.arange(3, dtype=np.longlong)", "np.arange(3, dtype=np.int32)"),
    ("ndarray without dimensions", "np.array(1.5)", "np.array([1.5])"),
    ("structured array", "np.array([(1, 2.0)], [('a', 'i4'), ('b', 'f8')])", "np.array([(1, 3.0)], [('a', 'i4'), ('b', 'f8')])"),
    ("recarray", "np.rec.array([(1, 2.0)], names='a,b')", "np.rec.array([(1, 3.0)], names='a,b')"),
    ("matrix", "np.matrix([[1, 2]])", "np.matrix([[1, 3]])"),
    ("char.chararray", "np.char.array(['a'])", "np.char.array(['b'])"),
    ("StringDType", "np.array(['a'], np.dtypes.StringDType())", "np.array(['b'], np.dtypes.StringDType())"),
    ("masked array", "np.ma.array([1, 2], mask=[0, 1])", "np.ma.array([1, 2], mask=[1, 0])"),
    ("subclass", "noted(np.arange(3).view(Own), 1)", "noted(np.arange(3).view(Own), 2)"),
):  # fmt: skip
    _edit = {"structured array": "x['a'] = 9", "recarray": "x['a'] = 9", "ndarray without dimensions": "x[()] = 9"}
    _edit |= {"char.chararray": "x[0] = 'z'", "StringDType": "x[0] = 'z'", "ndarray of text": "x[0] = 'z'"}
    _edit |= {"ndarray of times": "x[0] = '2000-01-01'"}
    _more = {"unstored": "its pickle leaves out attributes"} if _name == "subclass" else {}
    _add(_name, _make, _other, _edit.get(_name, "x.flat[0] = 9"), "x.shape", **_more)
_add("scalar", "np.float32(1)", "np.float64(1)")
_add("scalar, longlong", "np.longlong(1)", "np.uint8(1)")
_add("datetime64", "np.datetime64('2024-01-01')", "np.datetime64('2024-01-02')")
_add("dtype", "np.dtype([('a', 'i4')])", "np.dtype([('b', 'i4')])")
_add("finfo", "np.finfo('f8')", "np.finfo('f4')", use="x.eps", unstored="its pickle cannot be loaded")
_add("Generator", "np.random.default_rng(1)", "drawn(np.random.default_rng(1))", "x.random()", "0")
_add("RandomState", "np.random.RandomState(1)", "np.random.RandomState(2)", "x.rand()", "0")
_add("SeedSequence", "np.random.SeedSequence(1)", "np.random.SeedSequence(2)", "x.spawn(1)", "x.entropy")
_add("poly1d", "np.poly1d([1, 2])", "np.poly1d([1, 3])", "x[0] = 9", "x(1)")
_add("Polynomial", "np.polynomial.Polynomial([1, 2])", "np.polynomial.Polynomial([1, 3])", "x.coef[0] = 9", "x(1)")
_add("vectorize", "np.vectorize(abs)", "np.vectorize(len)", use="0")
_add("ufunc", "np.add", "np.subtract", use="0")
_add("frompyfunc", "np.frompyfunc(lambda a: a + 1, 1, 1)", "np.frompyfunc(lambda a: a + 2, 1, 1)", use="x(1)")
_add("function of two modules", "np.diagonal", "np.linalg.diagonal", use="0")
_add("nditer", "np.nditer([1, 2])", "1", use="0", unkeyed="it is used up", unstored="it is used up")

PANDAS = Family(
    "pandas",
    "pandas",
    """
import pandas as pd, numpy as np
class Own(pd.DataFrame):
    _metadata = ["unit"]
    @property
    def _constructor(self): return Own
def frame(**more): return pd.DataFrame({"a": [1, 2, 2], "b": [1.0, 2.0, 3.0]}, **more)
def with_attrs(n):
    made = frame(); made.attrs["unit"] = n; return made
def own(unit):
    made = Own({"a": [1]}); made.unit = unit; return made
""",
)
_add = PANDAS.add
for _name, _make, _other in (
    ("DataFrame", "frame()", "frame().assign(b=[1.0, 2.0, 4.0])"),
    ("DataFrame, index", "frame(index=[1, 2, 3])", "frame(index=[1, 2, 4])"),
    ("DataFrame of text", "pd.DataFrame({'a': ['x', 'y']})", "pd.DataFrame({'a': ['x', 'z']})"),
    ("DataFrame, categories", "pd.DataFrame({'a': pd.Categorical(['x'], ['x', 'y'])})", "pd.DataFrame({'a': pd.Categorical(['x'], ['x', 'z'])})"),
    ("DataFrame, nullable", "pd.DataFrame({'a': pd.array([1, None], 'Int64')})", "pd.DataFrame({'a': pd.array([1, 0], 'Int64')})"),
    ("DataFrame, two levels", "frame().set_index(['a', 'b'])", "frame().set_index(['b', 'a'])"),
    ("DataFrame, attrs", "with_attrs(1)", "with_attrs(2)"),
    ("DataFrame, sparse", "pd.DataFrame({'a': pd.arrays.SparseArray([0, 0, 1])})", "pd.DataFrame({'a': pd.arrays.SparseArray([0, 0, 2])})"),
    ("DataFrame, derived", "own('m')", "own('km')"),
):  # fmt: skip
    _add(_name, _make, _other, "x['new'] = 1", "x.shape")
_add("Series", "pd.Series([1, 2], name='a')", "pd.Series([1, 2], name='b')", "x.iloc[0] = 9", "x.is_unique")
_add("Series, zoned", "pd.Series(pd.to_datetime(['2024-01-01']).tz_localize('UTC'))", "pd.Series(pd.to_datetime(['2024-01-01']))", "x.name = 'n'", "x.dt.day")
_add("Index", "pd.Index([1, 2])", "pd.Index([1, 3])", "x.name = 'n'", "x.get_loc(1)")
_add("RangeIndex", "pd.RangeIndex(3)", "pd.RangeIndex(4)", "x.name = 'n'", "x.size")
_add("MultiIndex", "pd.MultiIndex.from_tuples([(1, 'a')])", "pd.MultiIndex.from_tuples([(1, 'b')])", "x.names = ['a', 'b']", "x.size")
_add("DatetimeIndex", "pd.date_range('2024', periods=3)", "pd.date_range('2024', periods=3, freq='h')", "x.name = 'n'", "x.size")
_add("IntervalIndex", "pd.interval_range(0, 3)", "pd.interval_range(0, 4)", "x.name = 'n'", "x.size")
_add("PeriodIndex", "pd.period_range('2024', periods=2, freq='M')", "pd.period_range('2024', periods=2, freq='D')", "x.name = 'n'", "x.size")
_add("Categorical", "pd.Categorical(['a'])", "pd.Categorical(['b'])", use="x.codes")
_add("CategoricalDtype", "pd.CategoricalDtype(['a'])", "pd.CategoricalDtype(['b'])")
_add("Timestamp", "pd.Timestamp('2024-01-01', tz='UTC')", "pd.Timestamp('2024-01-01')")
_add("Timedelta", "pd.Timedelta('1D')", "pd.Timedelta('2D')")
_add("Period", "pd.Period('2024', 'Y')", "pd.Period('2025', 'Y')")
_add("Interval", "pd.Interval(0, 1)", "pd.Interval(0, 1, closed='both')")
_add("DateOffset", "pd.DateOffset(days=1)", "pd.DateOffset(days=2)")
_add("BDay", "pd.offsets.BDay(1)", "pd.offsets.BDay(2)")
_add("NA", "pd.NA", "pd.NaT")
_add("Styler", "frame().style.format(precision=2)", "frame().style.format(precision=3)", "x.hide(axis='index')", "x.to_html()")
_add("StringMethods", "pd.Series(['a']).str", "pd.Series(['b']).str", use="x.upper()")
_add("Ewm", "pd.Series([1.0, 2.0]).ewm(2)", "pd.Series([1.0, 2.0]).ewm(3)", use="x.mean()")
_add("GroupBy", "frame().groupby('a')", "frame().groupby('b')", "x.obj.loc[0, 'b'] = 100", "x.sum()", uncelled="its use fills caches of groups, which a cell does not set again")
_add("Rolling", "frame().rolling(2)", "frame().rolling(3)", "x.obj.loc[0, 'b'] = 100", "x.sum()")
_add("Resampler", "pd.Series([1, 2], pd.date_range('2024', periods=2)).resample('2D')", "pd.Series([1, 2], pd.date_range('2024', periods=2)).resample('3D')", use="x.sum()", uncelled="its use fills caches of groups, which a cell does not set again")

POLARS = Family("polars", "polars", "import polars as pl")
_add = POLARS.add
_add("DataFrame", "pl.DataFrame({'a': [1, 2], 'b': ['x', None]})", "pl.DataFrame({'a': [1, 2], 'b': ['x', 'y']})", "x.insert_column(0, pl.Series('n', [1, 1]))", "x.shape")
_add("DataFrame, nested", "pl.DataFrame({'a': [[1], [2, 3]]})", "pl.DataFrame({'a': [[1], [2, 4]]})", "x.columns = ['z']", "x.shape")
_add("DataFrame, Enum", "pl.DataFrame({'a': pl.Series(['x'], dtype=pl.Enum(['x', 'y']))})", "pl.DataFrame({'a': pl.Series(['x'], dtype=pl.Enum(['x', 'z']))})", "x.columns = ['z']", "x.shape")
_add("DataFrame of objects", "pl.DataFrame({'a': pl.Series([{1}], dtype=pl.Object)})", "pl.DataFrame({'a': pl.Series([{2}], dtype=pl.Object)})", "x.columns = ['z']", "x.shape", unstored="polars cannot write objects")
_add("Series", "pl.Series('a', [1, 2])", "pl.Series('b', [1, 2])", "x[0] = 9", "x.len()")
_add("LazyFrame", "pl.LazyFrame({'a': [1]}).filter(pl.col('a') > 0)", "pl.LazyFrame({'a': [1]}).filter(pl.col('a') > 1)", use="0")
_add("Expr", "pl.col('a') + 1", "pl.col('a') + 2", use="0")
_add("Schema", "pl.Schema({'a': pl.Int64})", "pl.Schema({'a': pl.Int32})", "x['b'] = pl.String()", "x.names()")
_add("dtype", "pl.Datetime('us')", "pl.Datetime('ms')")
_add("GroupBy", "pl.DataFrame({'a': [1]}).group_by('a')", "pl.DataFrame({'a': [2]}).group_by('a')", use="0")
_add("SQLContext", "pl.SQLContext()", "1", use="0", unkeyed="its tables are hidden", unstored="its tables are hidden")

ARROW = Family("pyarrow", "pyarrow", "import pyarrow as pa, pyarrow.compute as pc, pyarrow.dataset as ds, pyarrow.fs as fs, numpy as np")
_add = ARROW.add
_add("Table", "pa.table({'a': [1, 2]})", "pa.table({'a': [1, 3]})", use="x.num_rows")
_add("RecordBatch", "pa.record_batch({'a': [1, 2]})", "pa.record_batch({'a': [1, 3]})", use="x.num_rows")
_add("Array", "pa.array([1, None])", "pa.array([1, 0])", use="x.null_count")
_add("ChunkedArray", "pa.chunked_array([[1], [2]])", "pa.chunked_array([[1], [3]])", use="x.null_count")
_add("DictionaryArray", "pa.array(['a', 'b']).dictionary_encode()", "pa.array(['a', 'c']).dictionary_encode()", use="0")
_add("Schema", "pa.schema([('a', pa.int64())], {'k': 'v'})", "pa.schema([('a', pa.int64())], {'k': 'w'})", use="x.names")
_add("Field", "pa.field('a', pa.int64())", "pa.field('a', pa.int64(), nullable=False)", use="x.name")
_add("DataType", "pa.list_(pa.int64())", "pa.list_(pa.int32())", use="0")
_add("Scalar", "pa.scalar(1)", "pa.scalar(2)", use="x.as_py()")
_add("Buffer", "pa.py_buffer(b'ab')", "pa.py_buffer(b'ac')", use="x.size")
_add("Tensor", "pa.Tensor.from_numpy(np.arange(4.).reshape(2, 2))", "pa.Tensor.from_numpy(np.arange(1, 5.).reshape(2, 2))", use="x.shape", unstored="pyarrow cannot pickle tensors")
_add("Expression", "pc.field('a') > 1", "pc.field('a') > 2", use="0")
_add("LocalFileSystem", "fs.LocalFileSystem()", "fs.LocalFileSystem(use_mmap=True)", use="0")
_add("RecordBatchReader", "pa.table({'a': [1]}).to_reader()", "1", use="0", unkeyed="it is used up", unstored="it is used up")

SCIPY = Family(
    "scipy",
    "scipy",
    """
import numpy as np, scipy, warnings
from scipy import sparse, stats, interpolate, spatial, signal, optimize, ndimage
from scipy.spatial.transform import Rotation
POINTS = np.random.RandomState(0).rand(30, 2)
MORE = np.random.RandomState(1).rand(30, 2)
""",
    sharing=True,
)
_add = SCIPY.add
for _kind in ("csr", "csc", "coo", "bsr", "dia", "lil", "dok"):
    _change = "x[0, 1] = 9" if _kind in ("csr", "csc", "lil", "dok") else "x.data[...] = 9"
    _add(f"{_kind}_array", f"sparse.{_kind}_array([[1, 0], [0, 2]])", f"sparse.{_kind}_array([[1, 0], [0, 3]])", _change, "x.sum()")
_add("csr_matrix", "sparse.csr_matrix([[1, 0]])", "sparse.csr_array([[1, 0]])", "x.data[0] = 9", "x.sum()")
_add("distribution", "stats.norm", "stats.expon", use="x.pdf(0.5)")
_add("frozen distribution", "stats.norm(0, 1)", "stats.norm(0, 2)", "x.args = (0, 3)", "x.rvs()")
_add("rv_histogram", "stats.rv_histogram((np.ones(2), np.arange(3)))", "stats.rv_histogram((np.ones(2), np.arange(0, 6, 2)))", use="x.pdf(0.5)")
_add("multivariate_normal", "stats.multivariate_normal([0, 0])", "stats.multivariate_normal([0, 1])", use="x.pdf([0, 0])")
_add("gaussian_kde", "stats.gaussian_kde(POINTS.T)", "stats.gaussian_kde(MORE.T)", "x.set_bandwidth(9.0)", "x([[0.], [0.]])")
_add("linregress result", "stats.linregress([1, 2, 3], [1, 2, 4])", "stats.linregress([1, 2, 3], [1, 2, 5])", use="x.slope")
_add("ttest result", "stats.ttest_ind([1., 2, 3], [2., 3, 5])", "stats.ttest_ind([1., 2, 3], [2., 3, 6])", use="x.pvalue")
_add("interp1d", "interpolate.interp1d([0, 1], [0, 1])", "interpolate.interp1d([0, 1], [0, 2])", use="x(0.5)")
_add("UnivariateSpline", "interpolate.UnivariateSpline([1, 2, 3, 4], [1, 2, 3, 5])", "interpolate.UnivariateSpline([1, 2, 3, 4], [1, 2, 3, 6])",
     use="x(1.5)")
_add("RBFInterpolator", "interpolate.RBFInterpolator([[0.0], [1.0], [2.0]], [1, 2, 3])", "interpolate.RBFInterpolator([[0.0], [1.0], [2.0]], [1, 2, 4])",
     use="x([[0.5]])")
_add("CubicSpline", "interpolate.CubicSpline([0, 1, 2], [0, 1, 4])", "interpolate.CubicSpline([0, 1, 2], [0, 1, 5])", use="x(0.5)")
_add("BSpline", "interpolate.make_interp_spline(range(5), range(5))", "interpolate.make_interp_spline(range(5), [0, 1, 2, 3, 5])", use="x(0.5)")
_add("UnivariateSpline", "interpolate.UnivariateSpline(range(5), range(5))", "interpolate.UnivariateSpline(range(5), [0, 1, 2, 3, 5])", use="x(0.5)", apart="memory that was never written")
_add("RegularGridInterpolator", "interpolate.RegularGridInterpolator(([0, 1], [0, 1]), [[0., 1], [1, 2]])", "interpolate.RegularGridInterpolator(([0, 1], [0, 1]), [[0., 1], [1, 3]])", use="x([0.5, 0.5])")
_add("RBFInterpolator", "interpolate.RBFInterpolator(POINTS, POINTS[:, 0])", "interpolate.RBFInterpolator(POINTS, POINTS[:, 1])", use="x([[0.5, 0.5]])")
_add("KDTree", "spatial.KDTree(POINTS)", "spatial.KDTree(MORE)", use="x.query([0, 0])")
_add("cKDTree", "spatial.cKDTree(POINTS)", "spatial.cKDTree(MORE)", use="x.query([0, 0])")
_add("Delaunay", "spatial.Delaunay(POINTS)", "spatial.Delaunay(MORE)", use="x.find_simplex([0.5, 0.5])")
_add("ConvexHull", "spatial.ConvexHull(POINTS)", "spatial.ConvexHull(MORE)", use="x.volume")
_add("Rotation", "Rotation.from_euler('x', 1)", "Rotation.from_euler('x', 2)", use="x.as_quat()")
_add("OptimizeResult", "optimize.minimize_scalar(lambda v: v * v)", "optimize.minimize_scalar(lambda v: (v - 1) ** 2)", "x['n'] = 1", "x.x")
_add("TransferFunction", "signal.TransferFunction([1], [1, 2])", "signal.TransferFunction([1], [1, 3])", use="x.poles")
_add("ShortTimeFFT", "signal.ShortTimeFFT(np.ones(4), 2, 1.0)", "signal.ShortTimeFFT(np.ones(4), 2, 2.0)", use="x.invertible")
_add("Sobol", "stats.qmc.Sobol(2, rng=1)", "stats.qmc.Sobol(2, rng=2)", use="x.d")
_add("LinearOperator", "sparse.linalg.aslinearoperator(np.eye(2))", "sparse.linalg.aslinearoperator(np.ones((2, 2)))", use="x.shape")
_add("SuperLU", "sparse.linalg.splu(sparse.csc_array(np.eye(2)))", "1", use="0", unkeyed="its state is hidden", unstored="its state is hidden")
_add("function of two modules", "ndimage.convolve", "signal.convolve", use="0")

SKLEARN = Family(
    "scikit-learn",
    "sklearn pandas",
    """
import numpy as np, sklearn, pandas as pd
from sklearn import linear_model, ensemble, svm, tree, neural_network, naive_bayes, cluster, decomposition, preprocessing
from sklearn import pipeline, compose, neighbors, gaussian_process, feature_extraction, model_selection, metrics, isotonic
from sklearn import utils, base, datasets, mixture, multiclass, dummy, impute, discriminant_analysis
X = np.random.RandomState(0).rand(40, 3); Y = (X[:, 0] > 0.5).astype(int); Z = X[:, 1]
TEXTS = ["a dog and a cat", "a cat", "one dog more"]
class Mine(base.BaseEstimator, base.RegressorMixin):
    def __init__(self, k=1): self.k = k
    def fit(self, X, y): self.mean_ = y.mean() * self.k; return self
    def predict(self, X): return np.full(len(X), self.mean_)
""",
)
_add = SKLEARN.add
for _name, _made, _param in (
    ("LogisticRegression", "linear_model.LogisticRegression(C={})", "C"),
    ("LinearRegression", "linear_model.LinearRegression(tol={})", "tol"),
    ("Ridge", "linear_model.Ridge(alpha={})", "alpha"),
    ("SGDClassifier", "linear_model.SGDClassifier(random_state=0, max_iter={})", "max_iter"),
    ("RandomForestClassifier", "ensemble.RandomForestClassifier(n_estimators={}, random_state=0)", "n_estimators"),
    ("GradientBoostingClassifier", "ensemble.GradientBoostingClassifier(n_estimators={}, random_state=0)", "n_estimators"),
    ("HistGradientBoostingClassifier", "ensemble.HistGradientBoostingClassifier(max_iter={}, random_state=0)", "max_iter"),
    ("SVC", "svm.SVC(C={})", "C"),
    ("DecisionTreeClassifier", "tree.DecisionTreeClassifier(max_depth={}, random_state=0)", "max_depth"),
    ("GaussianNB", "naive_bayes.GaussianNB(var_smoothing={})", "var_smoothing"),
    ("KNeighborsClassifier", "neighbors.KNeighborsClassifier({}, algorithm='kd_tree')", "n_neighbors"),
    ("GaussianProcessRegressor", "gaussian_process.GaussianProcessRegressor(alpha={}, optimizer=None)", "alpha"),
    ("DummyClassifier", "dummy.DummyClassifier(constant={})", "constant"),
    ("Mine", "Mine({})", "k"),
    ("LinearDiscriminantAnalysis", "discriminant_analysis.LinearDiscriminantAnalysis(tol=0.{})", "tol"),
    ("Pipeline", "pipeline.make_pipeline(preprocessing.StandardScaler(), linear_model.Ridge(alpha={}))", "ridge__alpha"),
    ("OneVsRestClassifier", "multiclass.OneVsRestClassifier(linear_model.LogisticRegression(C={}))", "estimator__C"),
):  # fmt: skip
    _fit = ".fit(X, Y)"
    _add(_name, _made.format(1) + _fit, _made.format(2) + _fit, f"x.set_params({_param}=3)", "x.predict(X)")
for _name, _made, _param in (
    ("StandardScaler", "preprocessing.StandardScaler(with_mean={} == 1)", "with_mean"),
    ("OneHotEncoder", "preprocessing.OneHotEncoder(min_frequency={}, handle_unknown='ignore')", "min_frequency"),
    ("PCA", "decomposition.PCA({})", "n_components"),
    ("SimpleImputer", "impute.SimpleImputer(missing_values={})", "missing_values"),
    ("KMeans", "cluster.KMeans({}, random_state=0, n_init=1)", "n_clusters"),
    ("ColumnTransformer", "compose.ColumnTransformer([('a', preprocessing.StandardScaler(with_std={} == 1), [0])])", "a__with_std"),
):  # fmt: skip
    _add(_name, _made.format(1) + ".fit(X)", _made.format(2) + ".fit(X)", f"x.set_params({_param}=3)", "x.transform(X)")
_add("unfitted", "linear_model.Ridge()", "linear_model.Ridge(alpha=2)", "x.set_params(alpha=3)", "x.alpha")
_add("GaussianMixture", "mixture.GaussianMixture(2, random_state=0).fit(X)", "mixture.GaussianMixture(3, random_state=0).fit(X)", "x.set_params(tol=1)", "x.predict(X)")
_add("KernelDensity", "neighbors.KernelDensity().fit(X)", "neighbors.KernelDensity(bandwidth=2).fit(X)", "x.set_params(bandwidth=3)", "x.score_samples(X)")
_add("KDTree", "neighbors.KDTree(X)", "neighbors.KDTree(X + 1)", use="x.query(X)")
_add("BallTree", "neighbors.BallTree(X)", "neighbors.BallTree(X + 1)", use="x.query(X)")
_add("CountVectorizer", "feature_extraction.text.CountVectorizer().fit(TEXTS)", "feature_extraction.text.CountVectorizer().fit(TEXTS[:2])", "x.vocabulary_['z'] = 9", "x.transform(TEXTS)")
_add("TfidfVectorizer", "feature_extraction.text.TfidfVectorizer().fit(TEXTS)", "feature_extraction.text.TfidfVectorizer().fit(TEXTS[:2])", "x.norm = 'l1'", "x.transform(TEXTS)")
_add("Bunch", "datasets.load_iris()", "datasets.load_wine()", "x['n'] = 1", "x.data.mean()")
_add("KFold", "model_selection.KFold(3)", "model_selection.KFold(4)", "x.n_splits = 5", "x.n_splits")
_add("GridSearchCV", "model_selection.GridSearchCV(linear_model.Ridge(), {'alpha': [1, 2]}).fit(X, Z)", "linear_model.Ridge()", "x.set_params(cv=3)", "x.best_params_", apart="the seconds that fitting took")
_add("scorer", "metrics.make_scorer(metrics.f1_score)", "metrics.make_scorer(metrics.accuracy_score)", use="0")
_add("IsotonicRegression", "isotonic.IsotonicRegression().fit(X[:, 0], Z)", "isotonic.IsotonicRegression().fit(X[:, 2], Z)", "x.set_params(y_max=3)", "x.predict(X[:, 0])")

MATPLOTLIB = Family(
    "matplotlib",
    "matplotlib",
    """
import matplotlib; matplotlib.use("agg")
import matplotlib.figure, matplotlib.colors as colors, matplotlib.patches as patches, matplotlib.lines as lines
import matplotlib.ticker as ticker, matplotlib.path, matplotlib.transforms as transforms, numpy as np
def axes(n=1):
    figure = matplotlib.figure.Figure()
    made = figure.add_subplot(); made.plot([0, n]); return made
""",
)
_add = MATPLOTLIB.add
_add("Figure", "axes().figure", "axes(2).figure", "x.suptitle('a')", "x.axes")
_add("Axes", "axes()", "axes(2)", "x.set_title('a')", "x.get_title()")
_add("Line2D", "lines.Line2D([0, 1], [0, 1])", "lines.Line2D([0, 1], [0, 2])", "x.set_color('red')", "x.get_color()")
_add("Rectangle", "patches.Rectangle((0, 0), 1, 1)", "patches.Rectangle((0, 0), 1, 2)", "x.set_width(5)", "x.get_width()")
_add("Normalize", "colors.Normalize(0, 1)", "colors.Normalize(0, 2)", "x.vmin = 0.5", "x(0.5)")
_add("LogNorm", "colors.LogNorm(1, 10)", "colors.LogNorm(1, 20)", "x.vmin = 2", "x(5)")
_add("BoundaryNorm", "colors.BoundaryNorm([0, 1, 2], 2)", "colors.BoundaryNorm([0, 1, 3], 2)", use="x(0.5)")
_add("Colormap", "matplotlib.colormaps['viridis']", "matplotlib.colormaps['magma']", "x.set_bad('red')", "x(0.5)")
_add("ListedColormap", "colors.ListedColormap(['red', 'blue'])", "colors.ListedColormap(['red', 'green'])", "x.set_bad('red')", "x(0.5)")
_add("Path", "matplotlib.path.Path([(0, 0), (1, 1)])", "matplotlib.path.Path([(0, 0), (1, 2)])", use="x.get_extents()")
_add("Affine2D", "transforms.Affine2D().rotate(1)", "transforms.Affine2D().rotate(2)", "x.rotate(1)", "x.get_matrix()")
_add("MultipleLocator", "ticker.MultipleLocator(1)", "ticker.MultipleLocator(2)", "x.set_params(base=3)", "x.tick_values(0, 3)")

PILLOW = Family(
    "Pillow",
    "PIL",
    """
import io
from PIL import Image, ImageFont, ImageDraw
def opened(kind, shade=7, frames=1):
    file = io.BytesIO(); more = [Image.new("L", (3, 3), n) for n in range(1, frames)]
    Image.new("L", (3, 3), shade).save(file, kind, **(dict(save_all=True, append_images=more) if more else {}))
    return Image.open(file)
def palette(*colour):
    made = Image.new("P", (2, 2)); made.putpalette(colour); return made
""",
)
_add = PILLOW.add
_add("Image", "Image.new('RGB', (2, 2), 'red')", "Image.new('RGB', (2, 2), 'blue')", "x.putpixel((0, 0), (1, 2, 3))", "x.getpixel((0, 0))")
_add("Image, palette", "palette(1, 2, 3)", "palette(1, 2, 4)", "x.info['n'] = 1", "x.getpalette()")
for _kind in ("PNG", "GIF", "TIFF", "JPEG", "BMP", "WEBP"):
    _add(f"{_kind} file", f"opened('{_kind}')", f"opened('{_kind}', 99)", "x.putpixel((0, 0), 5)", "x.size")
for _kind in ("PNG", "GIF", "TIFF"):
    _add(f"{_kind} of three frames", f"opened('{_kind}', frames=3)", f"opened('{_kind}', frames=2)", use="x.size")
_add("ImageFont", "ImageFont.load_default(10)", "ImageFont.load_default(11)", use="x.getbbox('a')", unstored="it is opened from bytes that its pickle leaves out")
_add("ImageDraw", "ImageDraw.Draw(Image.new('L', (2, 2)))", "1", use="0", unkeyed="its state is hidden", unstored="its state is hidden")

TORCH = Family(
    "torch",
    "torch",
    """
import torch, torch.utils.data as data
class Net(torch.nn.Module):
    def __init__(self, n=2):
        super().__init__(); self.layer = torch.nn.Linear(n, 1); self.norm = torch.nn.BatchNorm1d(1)
    def forward(self, x): return self.norm(self.layer(x))
def seeded(make, seed=0):
    torch.manual_seed(seed); return make()
def graded(n):
    made = torch.ones(2, requires_grad=True); (n * made).sum().backward(); return made
def trained(layer):
    layer(torch.ones(1, 2)).sum().backward(); return layer
def stepped(lr):
    layer = seeded(lambda: torch.nn.Linear(2, 1)); made = torch.optim.Adam(layer.parameters(), lr=lr)
    trained(layer); made.step(); return made
class Rows(data.Dataset):
    def __init__(self, n): self.n = n
    def __len__(self): return self.n
    def __getitem__(self, k): return k
""",
)
_add = TORCH.add
_add("Tensor", "torch.arange(3.0)", "torch.arange(3)", "x[0] = 9", "x.sum()")
_add("Tensor, bfloat16", "torch.ones(2, dtype=torch.bfloat16)", "torch.ones(2, dtype=torch.float16)", "x[0] = 9", "x.sum()")
_add("Tensor, transposed", "torch.arange(6.).reshape(2, 3).T", "torch.arange(6.).reshape(3, 2)", "x[0, 0] = 9", "x.sum()")
_add("Tensor, sparse", "torch.eye(2).to_sparse()", "(2 * torch.eye(2)).to_sparse()", use="x.shape")
_add("Tensor with a gradient", "graded(1)", "graded(2)", "x.grad.add_(1)", "x.grad")
_add("Tensor with a graph", "graded(1) * 2", "graded(1) * 3", use="x.shape", unstored="its graph cannot be kept")
_add("Parameter", "torch.nn.Parameter(torch.ones(2))", "torch.nn.Parameter(torch.zeros(2))", "x.data[0] = 9", "x.shape")
_add("Linear", "seeded(lambda: torch.nn.Linear(2, 1))", "seeded(lambda: torch.nn.Linear(2, 1), 1)", "x.weight.data[0] = 9", "x(torch.ones(1, 2))")
_add("Linear with gradients", "trained(seeded(lambda: torch.nn.Linear(2, 1)))", "seeded(lambda: torch.nn.Linear(2, 1))", "x.weight.data[0] = 9", "x.weight.grad")
_add("Module of the notebook", "seeded(Net).eval()", "seeded(Net)", "x.layer.bias.data[0] = 9", "x(torch.ones(3, 2))")
_add("Sequential", "seeded(lambda: torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.ReLU()))", "seeded(lambda: torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.GELU()))", "x[0].weight.data[0] = 9", "x(torch.ones(1, 2))")
_add("state_dict", "seeded(Net).state_dict()", "seeded(Net, 1).state_dict()", "x['layer.bias'][0] = 9", "len(x)")
_add("Adam", "stepped(1.0)", "stepped(2.0)", "x.param_groups[0]['lr'] = 3", "x.param_groups[0]['lr']")
_add("StepLR", "torch.optim.lr_scheduler.StepLR(stepped(1.0), 1)", "torch.optim.lr_scheduler.StepLR(stepped(1.0), 2)", "x.step_size = 9", "x.get_last_lr()")
_add("Generator", "torch.Generator().manual_seed(1)", "torch.Generator().manual_seed(2)", "x.manual_seed(9)", "0")
_add("Generator, torch's own", "torch.default_generator", "torch.Generator()", use="0")
_add("device", "torch.device('cpu')", "torch.device('meta')")
_add("dtype", "torch.float32", "torch.float64")
_add("Size", "torch.Size([1, 2])", "torch.Size([1, 3])")
_add("TensorDataset", "data.TensorDataset(torch.ones(2))", "data.TensorDataset(torch.zeros(2))", "x.tensors[0][0] = 9", "x[0]")
_add("Dataset of the notebook", "Rows(2)", "Rows(3)", "x.n = 4", "x[0]")
_add("DataLoader", "data.DataLoader(Rows(2), 1)", "data.DataLoader(Rows(2), 2)", "x.dataset.n = 9", "len(x)")
_add("Normal", "torch.distributions.Normal(0., 1.)", "torch.distributions.Normal(0., 2.)", "x.scale.fill_(9)", "x.mean")
_add("ScriptModule", "torch.jit.script(torch.nn.Linear(2, 1))", "1", use="0", unkeyed="its state is hidden", unstored="torch refuses to pickle it")
