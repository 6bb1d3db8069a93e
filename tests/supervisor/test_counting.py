"""Counters of a site lie in memory: a full disk must not end whoever counts."""

from backend.supervisor import counting


def test_counters_lie_in_memory_alone_and_leave_nothing(tmp_path, monkeypatch):
    memory = tmp_path / "memory"
    memory.mkdir()
    monkeypatch.setattr(counting, "MEMORY", memory)
    with counting.counting(tmp_path / "one") as one, counting.counting(tmp_path / "two") as two:
        assert one != two
        assert {folder.parent for folder in (one, two)} == {memory}
        assert one.stat().st_mode & 0o777 == 0o700
        (one / "counter_1.db").touch()
    assert list(memory.iterdir()) == []


def test_what_a_killed_predecessor_counted_is_forgotten(tmp_path, monkeypatch):
    monkeypatch.setattr(counting, "MEMORY", tmp_path)
    with counting.counting(tmp_path) as folder:
        (folder / "counter_1.db").touch()
        with counting.counting(tmp_path) as again:
            assert again == folder
            assert list(again.iterdir()) == []


def test_where_the_name_is_taken_or_there_is_no_such_file_system_the_site_keeps_them(tmp_path, monkeypatch):
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.setattr(counting, "MEMORY", tmp_path)
    with counting.counting(site) as usual:
        pass
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious").touch()
    usual.symlink_to(elsewhere)
    with counting.counting(site) as folder:
        assert folder == site / "metrics"
    assert [left.name for left in elsewhere.iterdir()] == ["precious"]
    monkeypatch.setattr(counting, "MEMORY", tmp_path / "absent")
    with counting.counting(site) as folder:
        assert folder == site / "metrics"
