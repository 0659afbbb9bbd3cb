"""Open servers keep their id."""

import threading
import uuid

from server.registry import Registry


def test_a_name_keeps_its_instance(registry: Registry) -> None:
    first = registry.source_instance("web-1")
    assert uuid.UUID(first).version == 4
    assert registry.source_instance("web-1") == first
    second = registry.source_instance("web-2")
    assert registry.sources() == {first: "web-1", second: "web-2"}
    registry.sources().clear()
    assert registry.sources() == {first: "web-1", second: "web-2"}


def test_a_race_for_a_name_makes_one_instance(registry: Registry) -> None:
    start = threading.Barrier(12)
    found: list[str] = []

    def ask() -> None:
        start.wait()
        found.append(registry.source_instance("web-1"))

    threads = [threading.Thread(target=ask) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 12 and len(set(found)) == 1
