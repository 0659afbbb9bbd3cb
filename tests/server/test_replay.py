"""Nonces are remembered as long as they matter, in bounded memory."""

import threading

from server.replay import ReplayGuard, Seen


def test_a_nonce_is_new_once_per_key() -> None:
    guard = ReplayGuard()
    assert guard.see("a", "n", until_ms=10, now_ms=0) is Seen.NEW
    assert guard.see("a", "n", until_ms=10, now_ms=5) is Seen.REPLAYED
    assert guard.see("b", "n", until_ms=10, now_ms=5) is Seen.NEW


def test_memory_is_given_back_when_the_time_is_up() -> None:
    guard = ReplayGuard()
    for number in range(100):
        guard.see("a", str(number), until_ms=number, now_ms=0)
    guard.see("a", "last", until_ms=200, now_ms=50)
    assert len(guard) == 51


def test_a_full_memory_refuses_and_never_forgets_early() -> None:
    guard = ReplayGuard(largest=3, per_key=2)
    assert [guard.see("a", str(n), until_ms=10, now_ms=0) for n in range(3)] == [Seen.NEW, Seen.NEW, Seen.TOO_MANY]
    assert [guard.see("b", str(n), until_ms=10, now_ms=0) for n in range(2)] == [Seen.NEW, Seen.TOO_MANY]
    assert guard.see("a", "0", until_ms=10, now_ms=0) is Seen.REPLAYED
    assert guard.see("a", "2", until_ms=30, now_ms=11) is Seen.NEW


def test_of_many_threads_one_wins() -> None:
    guard, results = ReplayGuard(), list[Seen]()
    barrier = threading.Barrier(8)

    def work() -> None:
        barrier.wait()
        results.append(guard.see("a", "n", until_ms=10, now_ms=0))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results.count(Seen.NEW) == 1
