"""The page of a run in progress, served to browsers of this machine only."""

from __future__ import annotations

import asyncio
import errno
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.routing import HostMatches, Rule, RuleRouter
from tornado.web import Application, RequestHandler

from brainsim.errors import BrainsimError, DeclarationError
from brainsim.studies.reporting import document
from brainsim.studies.reporting.material import gathered

ADDRESS = "127.0.0.1"
_HOSTS = r"^(127\.0\.0\.1|localhost)$"
MOST_READ = 400_000
"""Largest number of firings of a recording on a live page: those of its last rounds."""

Signature = tuple[tuple[str, int, int], ...]


@dataclass
class Live:
    """A run folder or a file, read again when it has changed.

    Attributes
    ----------
    path : Path
        The folder or file that is shown.
    version : int
        Number of changes that were found.
    """

    path: Path
    version: int = 0
    _seen: Signature | None = None
    _page: document.Page | None = None
    _content: dict[str, Any] = field(default_factory=dict)
    _rest: float = 0.0

    def look(self) -> None:
        """Make the page again if something has changed; a page that takes long is updated less often."""
        signature = _signature(self.path)
        if signature == self._seen or time.monotonic() < self._rest:
            return
        began = time.monotonic()
        try:
            page = document.page_of(gathered(self.path, MOST_READ))
        except (BrainsimError, OSError):
            if self._page is None:
                raise
            return  # a file that is being replaced; the next check finds it
        self._seen, self._page, self.version = signature, page, self.version + 1
        self._content = {**document.content_of(page, self.version), "body": document.body_of(page)}
        self._rest = time.monotonic() + 3 * (time.monotonic() - began)

    @property
    def html(self) -> str:
        """The whole page."""
        if self._page is None:
            self.look()
        assert self._page is not None
        return document.html(self._page, self._content, live=True)

    @property
    def content(self) -> str:
        """The update of an open page, as JSON."""
        return document.text_of(self._content)


def _signature(path: Path) -> Signature:
    """Return names, times and sizes of what is shown."""
    found = []
    for each in sorted(path.rglob("*")) if path.is_dir() else [path]:
        with suppress(OSError):
            status = each.stat()
            found.append((str(each), status.st_mtime_ns, status.st_size))
    return tuple(found)


class _Handler(RequestHandler):
    """The common part of both answers: they are not cached, and no other site may use them."""

    live: Live

    def initialize(self, live: Live) -> None:
        self.live = live

    def set_default_headers(self) -> None:
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("X-Frame-Options", "DENY")
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("Cross-Origin-Resource-Policy", "same-origin")


class _PageHandler(_Handler):
    def get(self) -> None:
        self.live.look()
        self.write(self.live.html)


class _ContentHandler(_Handler):
    def get(self) -> None:
        self.live.look()
        if self.get_query_argument("seen", "") == str(self.live.version):
            self.set_status(204)
            return
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.write(self.live.content)


def application(path: str | Path) -> RuleRouter:
    """Return the web application: the page at ``/``, and its changes at ``/content``.

    Requests with another host name than that of this machine are refused; otherwise a site whose name resolves to this
    machine could read the page.
    """
    live = Live(Path(path))
    live.look()
    routes: list[Any] = [("/", _PageHandler, {"live": live}), ("/content", _ContentHandler, {"live": live})]
    return RuleRouter([Rule(HostMatches(_HOSTS), Application(routes))])


def listener(port: int) -> socket.socket:
    """Return a socket that only this machine can reach; `OSError` if the port cannot be used."""
    listening = socket.create_server((ADDRESS, port), backlog=64)
    listening.setblocking(False)
    return listening


def serve(path: str | Path, port: int, ready: Callable[[str], None]) -> None:
    """Serve the page of a run or a file to browsers of this machine until Ctrl-C or SIGTERM.

    Parameters
    ----------
    path : str or Path
        The run folder or file.
    port : int
        0 for any free port.
    ready : callable
        Called with the address of the page when it can be opened.

    Raises
    ------
    DeclarationError
        If the port is in use, or this user may not use it.
    RunFolderError, DumpError
        If ``path`` is neither a run folder nor a file of brainsim, or cannot be read.
    """
    router = application(path)
    try:
        listening = listener(port)
    except OSError as error:
        why = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
        raise DeclarationError(f"--port {port}: {why}; choose another, or --port 0 for any that is free") from error
    asyncio.run(_serve(router, listening, ready))


async def _serve(router: RuleRouter, listening: socket.socket, ready: Callable[[str], None]) -> None:
    server, ended = HTTPServer(router), asyncio.Event()
    server.add_socket(listening)
    loop = asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError, RuntimeError, ValueError):  # on Windows, and outside of the main thread
            loop.add_signal_handler(each, ended.set)
    ready(f"http://{ADDRESS}:{listening.getsockname()[1]}/")
    await ended.wait()
    server.stop()
    await server.close_all_connections()
