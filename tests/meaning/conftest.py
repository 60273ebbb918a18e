"""What tests of what equations mean share."""

import pytest
from meaning.models import Files


@pytest.fixture
def files(tmp_path):
    """Writes model files into a folder of the test's own."""
    return Files(tmp_path)
