"""Keys derived from SECRET_KEY: what was made with one must be found again by the next release."""

import pytest

from backend.derived_keys import Purpose, derived

SECRET = "test-key-" * 4
GIVEN = {
    Purpose.SEALING: "5b9e3d5cadbed5132e0a3fb26a1e308ec8d51370831a3ae6f94484002396bf10",
    Purpose.HASHES_OF_WHO_LEFT: "9de8d9203823310cfef7fbded5e2e587f0a8881b6420896dd998ba46962a0ffe",
    Purpose.HASHES_OF_REQUESTS: "4c577087f32ca9aecf7c07a7bbf9a1f7cbd17e0693b8b77a5d1ad299f5d443e8",
    Purpose.NAME_OF_KEY: "105261f823fe9d5a",
}


@pytest.mark.parametrize("purpose", Purpose)
def test_a_key_is_what_it_always_was(purpose):
    assert derived(SECRET, purpose, length=len(GIVEN[purpose]) // 2).hex() == GIVEN[purpose]


@pytest.mark.parametrize("purpose", Purpose)
def test_another_secret_gives_another_key(purpose):
    assert derived(SECRET, purpose) != derived(f"{SECRET}x", purpose)
