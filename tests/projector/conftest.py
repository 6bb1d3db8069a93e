"""What tests of the projector do all the time."""

import pytest

from tests.projections import Deeds


@pytest.fixture
def deeds(app, settings):
    """Records deeds of residents."""
    return Deeds(settings)
