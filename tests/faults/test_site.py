"""A site of real processes comes up whole and leaves nothing behind."""

from tests.faults.parts import Part


def test_every_part_is_a_process_of_its_own_and_all_are_gone_at_the_end(site):
    found = {part: {process.pid for process in site.find(part)} for part in Part}
    everyone = [pid for pids in found.values() for pid in pids]
    assert all(found.values()), found
    assert len(everyone) == len(set(everyone)), found
    assert set(everyone) < {process.pid for process in site.processes()}
    assert site.ask("GET", "/api/v1/me", headers=site.sign_in("lin")).good
    verified = site.flask("verify")
    assert verified.returncode == 0, verified.stdout
    site.stop()
    assert site.processes() == []
