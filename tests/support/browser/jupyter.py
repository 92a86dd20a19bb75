"""A real JupyterLab and Notebook 7 on this machine, driven in Chromium."""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from playwright.sync_api import BrowserContext, Page, WebSocket

ROOT = Path(__file__).resolve().parents[3]
START_SECONDS = 90
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
NOISE = (
    "Failed to load resource",  # settings and workspaces that do not exist yet
    "favicon",
    "[LSP]",
    "GPU stall",
    # ipywidgets passes layout messages to a view that it has just disposed of: any widget that replaces a child can
    # meet it, and nothing is lost
    "reading 'processLuminoMessage'",
    # JupyterLab asks a kernel about its debugger, and the kernel has just been restarted
    "Could not restore the debugger state",
)
"""Lines that JupyterLab and ipywidgets themselves write to the console, with or without a panel."""


class CellError(AssertionError):
    """A cell of a test's notebook raised: without this, a test would only wait."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """One Jupyter server with its folders to itself; serves JupyterLab and Notebook 7."""

    def __init__(self, folder: Path, without: tuple[str, ...] = ()) -> None:
        self.folder = folder
        self.root = folder / "notebooks"
        self.token = secrets.token_hex(16)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._without = without
        self._log = folder / "server.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.root.mkdir(parents=True)
        self._settings()
        command = [
            sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1",
            f"--port={self.port}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={self.token}",
            f"--ServerApp.root_dir={self.root}", "--LabApp.expose_app_in_browser=True",
            "--JupyterNotebookApp.expose_app_in_browser=True", "--LabApp.news_url=",
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate", "--LabApp.extension_manager=readonly",
        ]  # fmt: skip
        disabled = dict.fromkeys(self._without, True)
        config = self.folder / "config" / "labconfig"
        config.mkdir(parents=True, exist_ok=True)
        (config / "page_config.json").write_text(json.dumps({"disabledExtensions": disabled}))
        environment = {
            **os.environ,
            "JUPYTER_CONFIG_DIR": str(self.folder / "config"),
            "JUPYTER_DATA_DIR": str(self.folder / "data"),
            "JUPYTER_RUNTIME_DIR": str(self.folder / "runtime"),
            "JUPYTERLAB_SETTINGS_DIR": str(self.folder / "settings"),
            "JUPYTERLAB_WORKSPACES_DIR": str(self.folder / "workspaces"),
            "IPYTHONDIR": str(self.folder / "ipython"),
            "HOME": str(self.folder / "home"),
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests" / "support")]),
        }
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
        self._wait()

    def stop(self) -> None:
        """End the server, which ends its kernels."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(15)

    def _wait(self) -> None:
        assert self._process is not None
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            if self._process.poll() is not None:
                raise RuntimeError(f"the server ended: {self._log.read_text()[-3000:]}")
            try:
                with urllib.request.urlopen(f"{self.url}/api?token={self.token}", timeout=5):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        raise RuntimeError(f"the server did not answer: {self._log.read_text()[-3000:]}")

    def _settings(self) -> None:
        """Keep scrolled-out cells in the page, and keep first-run questions away."""
        wanted: dict[str, dict[str, Any]] = {
            "notebook-extension/tracker": {"windowingMode": "none"},
            "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
            "docmanager-extension/plugin": {"autosave": False},
        }
        for name, values in wanted.items():
            path = self.folder / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(values))


class Notebook:
    """One open notebook in its own page."""

    def __init__(self, server: Server, context: BrowserContext, name: str, app: str) -> None:
        self.server = server
        self.path = server.root / name / "notebook.ipynb"
        self.app = app
        self.page: Page = context.new_page()
        self._themed = False
        self._expected: tuple[str, ...] = ()
        self.errors: list[str] = []
        self.received = 0
        self.asked: list[str] = []
        self.page.on("console", lambda said: self._hear(said.type, said.text))
        self.page.on("pageerror", lambda error: self._hear("error", str(error)))
        self.page.on("websocket", self._listen)

    def _hear(self, kind: str, text: str) -> None:
        if kind == "error" and not any(noise in text for noise in (*NOISE, *self._expected)):
            self.errors.append(text)

    def _listen(self, socket: WebSocket) -> None:
        socket.on("framereceived", self._count)
        socket.on("framesent", self._count_asked)

    def _count(self, frame: str | bytes) -> None:
        self.received += len(frame)

    def _count_asked(self, frame: str | bytes) -> None:
        text = frame.decode(errors="replace") if isinstance(frame, bytes) else frame
        if "comm_msg" in text:
            self.asked += re.findall(r'"content": ?\{"type": ?"(\w+)"', text)

    def without_anywidget(self) -> Notebook:
        """Behave like a server whose environment lacks anywidget: ipywidgets says so in the console."""
        self._expected = ("No version of module anywidget is registered",)
        self.page.route("**/extensions/anywidget/**", lambda route: route.abort())
        return self

    def open(self) -> Notebook:
        name = self.path.parent.name
        where = f"{name}/{self.path.name}"
        place = f"lab/workspaces/{name}/tree/{where}" if self.app == "lab" else f"notebooks/{where}"
        reset = "&reset" if self.app == "lab" else ""
        self.page.goto(f"{self.server.url}/{place}?token={self.server.token}{reset}")
        self.ready()
        self.errors.clear()  # what the application itself complains about while it starts
        return self

    def ready(self) -> None:
        """Wait until the notebook has a kernel that answers."""
        self.page.wait_for_function(_READY, timeout=60_000)

    def run(self, code: str) -> int:
        """Add a cell, run it to its end and return its place."""
        place, failure = self.page.evaluate(_RUN, [code, True])
        if failure:
            raise CellError(failure)
        return int(place)

    def start(self, code: str) -> int:
        """Add a cell and start it, without waiting for its end."""
        place, _ = self.page.evaluate(_RUN, [code, False])
        return int(place)

    def value(self, expression: str) -> Any:
        """Return what an expression is in the kernel, through JSON."""
        place = self.run(f"import json; print(json.dumps({expression}))")
        text = self.page.evaluate(_TEXT, place)
        return json.loads(text)

    def finished(self, place: int) -> None:
        """Wait until a started cell is done."""
        self.page.wait_for_function(_FINISHED, arg=place, timeout=60_000)

    def save(self) -> None:
        self.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")

    def restart_kernel(self) -> None:
        self.page.evaluate(_RESTART)
        self.ready()

    def theme(self, name: str) -> None:
        self.page.evaluate("name => window.jupyterapp.commands.execute('apputils:change-theme', {theme: name})", name)
        dark = "false" if "Dark" in name else "true"
        self.page.wait_for_selector(f"body[data-jp-theme-light='{dark}']", state="attached")
        self._themed = "Dark" in name

    def cells(self) -> int:
        return int(self.page.evaluate(f"() => {_PANEL}.content.model.cells.length"))

    def close(self) -> None:
        if self._themed:
            self.theme("JupyterLab Light")
        self.page.evaluate(_SHUTDOWN)
        self.page.close()


_PANEL = """[...window.jupyterapp.shell.widgets('main')]
  .map(widget => [widget, widget.content].find(each => each && each.sessionContext && each.content))
  .find(found => found)"""
_READY = f"""() => {{
  if (!window.jupyterapp || !window.jupyterapp.shell) return false;
  const panel = {_PANEL};
  if (!panel || !panel.sessionContext.session || !panel.sessionContext.session.kernel) return false;
  const kernel = panel.sessionContext.session.kernel;
  return panel.content.model.cells.length > 0 && kernel.connectionStatus === 'connected' && kernel.status === 'idle';
}}"""
_RUN = f"""async ([code, wait]) => {{
  const panel = {_PANEL};
  const cells = panel.content.model.sharedModel;
  cells.addCell({{ cell_type: 'code', source: code, metadata: {{}} }});
  const place = panel.content.model.cells.length - 1;
  panel.content.activeCellIndex = place;
  panel.content.deselectAll();
  const running = window.jupyterapp.commands.execute('notebook:run-cell');
  if (!wait) return [place, null];
  await running;
  const outputs = panel.content.model.cells.get(place).sharedModel.toJSON().outputs;
  const failed = outputs.find(output => output.output_type === 'error');
  return [place, failed ? failed.traceback.join('\\n') : null];
}}"""
_TEXT = f"""place => {_PANEL}.content.model.cells.get(place).sharedModel.toJSON().outputs
  .map(output => output.text || '').flat().join('')"""
_FINISHED = f"""place => {{
  const cell = {_PANEL}.content.widgets[place];
  return cell.promptNode ? !cell.promptNode.textContent.includes('*') : true;
}}"""
_RESTART = f"async () => {{ await {_PANEL}.sessionContext.session.kernel.restart(); }}"
_SHUTDOWN = f"async () => {{ const panel = {_PANEL}; if (panel) await panel.sessionContext.shutdown(); }}"


@contextmanager
def open_notebook(
    server: Server,
    context: BrowserContext,
    app: str = "lab",
    width: int = 1280,
    height: int = 900,
    anywidget: bool = True,
) -> Iterator[Notebook]:
    """Make an empty notebook in a folder of its own, open it, and end its kernel and page afterwards."""
    name = f"{app}-{secrets.token_hex(4)}"
    (server.root / name).mkdir()
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")])
    book.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(book, server.root / name / "notebook.ipynb")
    notebook = Notebook(server, context, name, app)
    notebook.page.set_viewport_size({"width": width, "height": height})
    try:
        if not anywidget:
            notebook.without_anywidget()
        yield notebook.open()
    finally:
        notebook.close()
