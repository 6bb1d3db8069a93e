"""What the application remembers of addresses, on an application of a few routes."""

import pytest
from flask import Flask, request, url_for

from backend.web import routing
from backend.web.routing import RoutedFlask


def made(kind):
    app = kind("routed")

    @app.get("/things/<int:number>")
    def thing(number):
        # As a view may treat its own arguments.
        request.view_args["number"] = -1
        return {"number": number, "address": url_for("thing", number=number, _external=True)}

    @app.get("/all/")
    def every():
        return "all"

    return app


@pytest.fixture
def client():
    return made(RoutedFlask).test_client()


@pytest.fixture
def searches(monkeypatch):
    """How often Werkzeug searched."""
    found = []
    search = routing.RequestContext.match_request

    def counted(context):
        found.append(context.request.path)
        search(context)

    monkeypatch.setattr(routing.RequestContext, "match_request", counted)
    return found


def test_an_address_is_searched_for_once_and_its_arguments_are_each_requests_own(client, searches):
    answers = [client.get(f"/things/{number}").json["number"] for number in (1, 2, 1, 2, 1)]
    assert answers == [1, 2, 1, 2, 1]
    assert searches == ["/things/1", "/things/2"]


def test_a_method_is_part_of_the_address(client, searches):
    assert client.get("/things/1").status_code == 200
    assert client.post("/things/1").status_code == 405
    assert client.head("/things/1").data == b""
    assert client.options("/things/1").allow == {"GET", "HEAD", "OPTIONS"}


def test_what_is_refused_is_never_remembered(client, searches):
    for _ in range(2):
        assert client.get("/nothing").status_code == 404
        assert client.post("/things/1").status_code == 405
        assert client.get("/all").location == "http://localhost/all/"
    assert len(searches) == 6


def test_a_websocket_is_searched_for_apart(client, searches):
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket"}
    assert client.get("/things/1").status_code == 200
    assert client.get("/things/1", headers=upgrade).status_code == 400
    assert client.get("/things/1").status_code == 200


PREFIX = {"SCRIPT_NAME": "/city"}


@pytest.mark.parametrize("host", ["city.example", "CITY.example:8000", "city.example:80", "", "a b", "x" * 70, "\xe9"])
@pytest.mark.parametrize("path", ["/things/7", "//things/7", "/things//7", "/all", "/all/", "/nothing", "/things/x"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "get"])
def test_the_second_answer_is_that_of_plain_flask(client, method, path, host):
    plain = made(Flask).test_client()
    for extra in ({}, {}, PREFIX, {}):
        asked = {"method": method, "path": "/", "environ_overrides": {"PATH_INFO": path, "HTTP_HOST": host, **extra}}
        ours, flasks = client.open(**asked), plain.open(**asked)
        assert (ours.status, ours.data, dict(ours.headers)) == (flasks.status, flasks.data, dict(flasks.headers))


def test_whoever_makes_up_addresses_fills_no_memory(client, monkeypatch):
    monkeypatch.setattr(routing, "MOST_KEPT", 3)
    for number in range(10):
        client.get(f"/things/{number}", headers={"Host": f"h{number}"})
    app = client.application
    assert 0 < len(app._addresses) <= 3
    assert 0 < len(app._hosts) <= 3
