"""The stand-in of WeChat, on the real Valkey."""

import httpx
import pytest
import redis

from backend.residents import wechat_sandbox


@pytest.fixture(scope="session")
def mini_program():
    """What identifies the mini-program to WeChat."""
    return {"app_id": "wx0123456789abcdef", "secret": "sandbox-secret"}


@pytest.fixture
def store(servers):
    client = redis.from_url(servers[1], decode_responses=True)
    yield client
    client.close()


@pytest.fixture
def sandbox(store, mini_program):
    return wechat_sandbox.create_sandbox(store, **mini_program)


@pytest.fixture
def http(sandbox):
    """The stand-in as anything but our client sees it."""
    transport = httpx.WSGITransport(app=sandbox)
    with httpx.Client(base_url="http://wechat.invalid", transport=transport) as client:
        yield client


@pytest.fixture
def new_code(http):
    """new_code(name=…) or new_code(openid=…) → a code as wx.login gives it to that person."""
    return lambda **person: http.post("/sandbox/codes", json=person).json()["code"]
