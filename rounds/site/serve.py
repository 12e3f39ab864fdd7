"""Serves the built site to this machine only (`rounds serve`)."""

import functools
import http.server
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path

from rounds.root import course_root
from rounds.site import SiteError

HOST = "127.0.0.1"


class Pages(http.server.SimpleHTTPRequestHandler):
    """Hands out files; quiet, and never from a browser's stale copy."""

    # Windows takes these from its registry, where other programs spoil them.
    extensions_map = http.server.SimpleHTTPRequestHandler.extensions_map | {
        ".css": "text/css",
        ".js": "text/javascript",
        ".json": "application/json",
        ".mjs": "text/javascript",
        ".svg": "image/svg+xml",
        ".wasm": "application/wasm",
        ".woff2": "font/woff2",
    }

    def end_headers(self) -> None:
        """Make a page that was built again show at once."""
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def send_error(
        self, code: int, message: str | None = None, explain: str | None = None
    ) -> None:
        """Show the site's own page for an address that leads nowhere, as hosts do."""
        page = Path(self.directory) / "404.html"
        if code != HTTPStatus.NOT_FOUND or not page.is_file():
            return super().send_error(code, message, explain)
        body = page.read_bytes()
        self.send_response(code)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing about each request."""


class Server(http.server.ThreadingHTTPServer):
    """One thread per request; a port that is taken is refused."""

    # On Windows the option means that two servers may share a port.
    allow_reuse_address = os.name != "nt"


def make_server(port: int, folder: Path, pages: type[Pages] = Pages) -> Server:
    """A server for `folder`, bound to `port` (0: any free one). Raises SiteError."""
    if not (folder / "index.html").is_file():
        raise SiteError(f"There is no site in {folder} yet: build it with `make site`.")
    if not 0 <= port <= 65535:
        raise SiteError(f"{port} is not a port: choose one from 1 to 65535.")
    try:
        return Server((HOST, port), functools.partial(pages, directory=str(folder)))
    except OSError as trouble:
        raise SiteError(
            f"Port {port} cannot be used ({trouble.strerror}): choose another one, "
            f"for instance `make book PORT={port + 1 if port < 65535 else 8000}`."
        ) from None


@contextmanager
def served(folder: Path, pages: type[Pages] = Pages) -> Iterator[str]:
    """The address of `folder` while a thread serves it here. Raises SiteError."""
    with make_server(0, folder, pages) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield f"http://{HOST}:{server.server_port}"
        finally:
            server.shutdown()


def serve(port: int = 8000, folder: Path | None = None) -> None:
    """Serve the built site until Ctrl-C, its address printed. Raises SiteError."""
    folder = folder or course_root() / "_build" / "html"
    with make_server(port, folder) as server:
        print(f"The course is at http://localhost:{server.server_port}/", flush=True)
        print("Stop it with Ctrl-C.", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()
