"""The API holds its own description: schemathesis makes up requests, right ones and wrong ones.

`python -m scripts.try_api --cases 5000` does the same at length.
"""

import pytest

from scripts.try_api import findings_of

pytestmark = pytest.mark.slow


def test_no_answer_is_a_server_error_or_anything_else_that_is_not_described() -> None:
    found = findings_of(cases=100, seed=1)

    assert found.failures == []
    assert found.server_errors == []
    assert found.cases >= 100
