"""What an answer that is a problem looks like."""

from typing import Any

from werkzeug.test import TestResponse

from consent.wire import STATUS, Problem


def check_problem(answer: TestResponse, problem: Problem) -> dict[str, Any]:
    """The answer is this problem, with its status; returns the document."""
    assert answer.content_type == "application/problem+json", answer.text
    document: dict[str, Any] = answer.get_json()
    assert (document["type"], document["status"]) == (problem.value, answer.status_code), answer.text
    assert answer.status_code == STATUS[problem]
    assert document["title"] and 0 < len(document["detail"]) <= 300
    return document
