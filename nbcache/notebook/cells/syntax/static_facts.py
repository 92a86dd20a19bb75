"""What is certain about a piece of syntax without running it: careful, so "no" means "not known"."""

from __future__ import annotations

import ast

__all__ = ["never_swallows", "only_wraps", "runs_at_least_once", "truth"]

# Context managers that let every exception pass, by the last name of the call.
_PASSING = frozenset(
    [
        "open",
        "fdopen",
        "NamedTemporaryFile",
        "TemporaryDirectory",
        "TemporaryFile",
        "SpooledTemporaryFile",
        "ZipFile",
        "TarFile",
        "closing",
        "chdir",
        "redirect_stdout",
        "redirect_stderr",
        "nullcontext",
        "ExitStack",
        "catch_warnings",
        "localcontext",
        "scandir",
        "urlopen",
        "connect",
        "Session",
        "Client",
        "Lock",
        "RLock",
        "Pool",
        "ThreadPool",
        "ThreadPoolExecutor",
        "ProcessPoolExecutor",
        "Parallel",
        "parallel_config",
        "parallel_backend",
        "no_grad",
        "inference_mode",
        "enable_grad",
        "autocast",
        "errstate",
        "printoptions",
        "option_context",
        "rc_context",
        "context",
        "plotting_context",
        "axes_style",
        "color_palette",
        "config_context",
        "ExcelWriter",
        "ExcelFile",
        "HDFStore",
        "read_csv",
        "StringCache",
        "Config",
        "tqdm",
        "trange",
        "Progress",
        "File",
        "Dataset",
    ]
)


_WRAPPING = frozenset(
    {
        "abstractmethod",
        "asynccontextmanager",
        "cache",
        "cache_data",
        "cached_property",
        "classmethod",
        "contextmanager",
        "dataclass",
        "jit",
        "lru_cache",
        "njit",
        "overload",
        "override",
        "property",
        "singledispatch",
        "staticmethod",
        "total_ordering",
        "vectorize",
        "wraps",
    }
)


def truth(test: ast.expr) -> bool | None:
    """Return whether a test is always true or always false; `None` when that is not known."""
    return bool(test.value) if isinstance(test, ast.Constant) else None


def runs_at_least_once(iterable: ast.expr) -> bool:
    """Tell whether a loop over `iterable` certainly begins."""
    match iterable:
        case ast.List() | ast.Tuple() | ast.Set():
            return any(not isinstance(part, ast.Starred) for part in iterable.elts)
        case ast.Dict():
            return any(key is not None for key in iterable.keys)
        case ast.Constant(value=str() | bytes() as text):
            return bool(text)
        case ast.Call(func=ast.Name(id="range"), args=[ast.Constant(value=int(stop))], keywords=[]):
            return stop > 0
        case ast.Call(func=ast.Name(id="range"), args=[ast.Constant(value=int(start)), ast.Constant(value=int(stop))]):
            return stop > start
        case ast.Call(func=ast.Name(id="trange"), args=[ast.Constant(value=int(stop)), *_]):
            return stop > 0
        case ast.Call(func=ast.Name(id="enumerate" | "tqdm" | "list" | "sorted" | "reversed"), args=[inner, *_]):
            return runs_at_least_once(inner)
    return False


def only_wraps(decorator: ast.expr) -> bool:
    """Tell whether a decorator is known not to call what it decorates."""
    return _last_name(decorator) in _WRAPPING


def never_swallows(manager: ast.expr) -> bool:
    """Tell whether a context manager is known to let exceptions pass, so that its body has run to the end."""
    return _last_name(manager) in _PASSING


def _last_name(node: ast.expr) -> str:
    """The last name of `a.b.c` or of `a.b.c(...)`."""
    called = node.func if isinstance(node, ast.Call) else node
    return called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""
