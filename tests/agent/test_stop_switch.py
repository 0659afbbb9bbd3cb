"""The switch that ends the agent."""

import os
import signal
import threading
import time

import pytest

from agent.stop_switch import StopSwitch


def test_it_waits_until_it_is_thrown_and_never_again() -> None:
    switch = StopSwitch()
    assert not switch.wait(0) and not switch.wait(-1) and not switch.thrown
    switch.throw()
    switch.throw()
    assert switch.thrown and switch.wait(60) and switch.wait(60)


def test_it_wakes_every_thread() -> None:
    switch = StopSwitch()
    woken = []
    threads = [threading.Thread(target=lambda: woken.append(switch.wait(20))) for _ in range(4)]
    for thread in threads:
        thread.start()
    switch.throw()
    for thread in threads:
        thread.join(10)
    assert woken == [True] * 4


@pytest.mark.skipif(os.name != "posix", reason="a timer signal")
def test_a_signal_that_interrupts_the_wait_may_throw_it() -> None:
    switch = StopSwitch()
    before = signal.signal(signal.SIGALRM, lambda _number, _frame: switch.throw())
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        began = time.monotonic()
        assert switch.wait(20)
        assert time.monotonic() - began < 10
    finally:
        signal.signal(signal.SIGALRM, before)
