"""What a repeated request may be about."""

from tests.rewards.conftest import give, new_reward  # noqa: F401
