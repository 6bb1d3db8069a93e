"""Flask, remembering what it has worked out of an address.

Which view answers `GET /api/v1/me`, and what a Host header means, depends on nothing but these texts; Werkzeug's search
takes a tenth of a small request. What is refused is searched for anew each time.
"""

from typing import TYPE_CHECKING, Any

from flask import Flask, Request
from flask.ctx import RequestContext
from werkzeug.routing import MapAdapter, Rule

from backend.keeping import keep

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

MOST_KEPT = 1_024
"""Addresses that a process remembers, and Hosts: whoever asks for many others costs a search, and no memory."""


class _Context(RequestContext):
    addresses: dict[tuple[str, str], tuple[Rule, dict[str, Any]]]
    """Method and path → the rule that answers, and its arguments."""

    def match_request(self) -> None:
        """Find the rule that answers, as Flask does."""
        asked = self.request
        if "HTTP_UPGRADE" in asked.environ:
            # A websocket has other rules.
            super().match_request()
            return
        address = (asked.method, asked.path)
        found = self.addresses.get(address)
        if found is not None:
            asked.url_rule, asked.view_args = found[0], found[1].copy()
            return
        super().match_request()
        if asked.url_rule is not None and asked.view_args is not None:
            keep(self.addresses, address, (asked.url_rule, asked.view_args.copy()), most=MOST_KEPT)


class RoutedFlask(Flask):
    """Flask; each process remembers up to MOST_KEPT addresses and as many Hosts."""

    def __init__(self, *args: Any, **options: Any) -> None:
        """As Flask's."""
        super().__init__(*args, **options)
        self._addresses: dict[tuple[str, str], tuple[Rule, dict[str, Any]]] = {}
        self._hosts: dict[tuple[str, str], tuple[str, str]] = {}

    def request_context(self, environ: "WSGIEnvironment") -> RequestContext:
        """The context of one request."""
        context = _Context(self, environ)
        context.addresses = self._addresses
        return context

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """What the request's address is looked up with; raises werkzeug.exceptions.HTTPException for a wrong Host."""
        if request is None:
            return super().create_url_adapter(request)
        environ = request.environ
        scheme, said = environ["wsgi.url_scheme"], environ.get("HTTP_HOST")
        if not said or request.root_path or "HTTP_UPGRADE" in environ:
            return super().create_url_adapter(request)
        found = self._hosts.get((scheme, said))
        if found is None:
            adapter = super().create_url_adapter(request)
            if adapter is not None:
                keep(self._hosts, (scheme, said), (request.host, adapter.server_name), most=MOST_KEPT)
            return adapter
        request.host, name = found
        path, query = request.path, environ.get("QUERY_STRING", "")
        return MapAdapter(self.url_map, name, "/", self.url_map.default_subdomain, scheme, path, request.method, query)
