"""Secrets are made once, whoever asks first."""

import multiprocessing
import stat

import pytest

from backend import embedded
from backend.embedded import secret_files

FORK = multiprocessing.get_context("fork")


def _ask(folder, start, answers):
    start.wait()
    answers.put(secret_files.secret(folder, "key"))


def test_eight_who_ask_at_once_get_the_same_secret(tmp_path):
    start, answers = FORK.Barrier(8), FORK.SimpleQueue()
    askers = [FORK.Process(target=_ask, args=(tmp_path / "var", start, answers)) for _ in range(8)]
    for asker in askers:
        asker.start()
    assert len({answers.get() for _ in askers}) == 1
    for asker in askers:
        asker.join()
    assert [path.name for path in (tmp_path / "var" / "secrets").iterdir()] == ["key"]


def test_a_secret_is_long_ours_alone_and_stays(tmp_path):
    made = secret_files.secret(tmp_path, "key")
    file = tmp_path / "secrets" / "key"
    assert len(made) == 43  # 32 bytes in base64 without padding
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert secret_files.secret(tmp_path, "key") == made


def test_each_name_has_its_own_secret(tmp_path):
    assert secret_files.secret(tmp_path, "one") != secret_files.secret(tmp_path, "other")


def test_a_folder_that_cannot_be_written_gets_one_sentence(tmp_path):
    (tmp_path / "var").touch()
    with pytest.raises(embedded.EmbeddedError, match="set TANHUI_VAR to a folder that you own"):
        secret_files.secret(tmp_path / "var", "key")
