"""Celery spells the same server its own way."""

from backend.embedded import celery_url

OVER_TCP = "redis://:secret@cache.example:6380/2"


def test_a_server_reached_by_tcp_is_spelled_the_same():
    assert celery_url(OVER_TCP) == OVER_TCP


def test_a_socket_is_spelled_as_celery_wants_it():
    assert celery_url("unix:///run/v.sock?db=3") == "redis+socket:///run/v.sock?virtual_host=3"


def test_a_socket_without_a_number_means_database_0():
    assert celery_url("unix:///run/v.sock") == "redis+socket:///run/v.sock?virtual_host=0"
