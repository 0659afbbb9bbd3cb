"""The operator's and the volunteer's real processes, as in the end-to-end tests."""

from tests.e2e import conftest as end_to_end

operator = end_to_end.operator
volunteer = end_to_end.volunteer
