"""Answers as they go out: what Flask's own response sends, byte for byte."""

import pytest
from flask import Flask, Response, stream_with_context

from backend.web.answers import Answer

BODY = b'{"city":"\xe5\x9f\x8e"}'
MADE = {
    "json": lambda: Response(BODY, content_type="application/json"),
    "text": lambda: Response("城", content_type="text/plain; charset=utf-8"),
    "nothing": Response,
    "an empty body": lambda: Response(b"", content_type="text/plain"),
    "created": lambda: Response(BODY, status=201, headers={"Location": "/things/1"}),
    "its own status": lambda: Response(BODY, status="418 short and stout"),
    "refused": lambda: Response(BODY, status=409, content_type="application/problem+json"),
    "no content": lambda: Response(b"left over", status=204),
    "not modified": lambda: Response(b"left over", status=304),
    "pieces": lambda: Response([b"a", b"b"]),
    "pieces of text": lambda: Response(["城"], headers={"Content-Length": "3"}),
    "a stream": lambda: Response(stream_with_context(iter([b"a", b"b"]))),
    "other headers": lambda: Response(BODY, headers={"Vary": "Accept-Language", "X-One": "1"}),
    "a length of its own": lambda: Response(BODY, headers={"content-length": "3"}),
}


def sent(kind, made, *, method):
    app = Flask("answering")
    app.response_class = kind
    app.add_url_rule("/", view_func=made, methods=["GET", "POST"])
    answer = app.test_client().open("/", method=method, buffered=True)
    return answer.status, list(answer.headers), answer.data


@pytest.mark.parametrize("made", MADE.values(), ids=MADE)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_it_sends_what_flask_sends(made, method):
    assert sent(Answer, made, method=method) == sent(Response, made, method=method)


def test_who_waits_for_its_end_is_told():
    ended = []

    def made():
        answer = Response(BODY, content_type="application/json")
        answer.call_on_close(lambda: ended.append(True))
        return answer

    assert sent(Answer, made, method="GET")[2] == BODY
    assert ended == [True]


def test_headers_that_the_server_adds_do_not_stay_on_it():
    answer = Answer(BODY, content_type="application/json")
    answer({"REQUEST_METHOD": "GET"}, lambda _status, headers: headers.append(("X-Request-Id", "1")))
    assert "X-Request-Id" not in answer.headers
