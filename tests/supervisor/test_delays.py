"""When a program that has died is started again."""

from backend.supervisor.child import next_delay


def test_one_that_was_at_work_is_started_again_at_once_however_often_it_died_before():
    assert next_delay(0.0, lived=11) == 0
    assert next_delay(30.0, lived=11) == 0


def test_one_that_dies_at_once_waits_twice_as_long_each_time_up_to_half_a_minute():
    delays = [0.0]
    for _ in range(8):
        delays.append(next_delay(delays[-1], lived=0.5))
    assert delays[1:] == [1, 2, 4, 8, 16, 30, 30, 30]
