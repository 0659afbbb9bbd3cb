"""The floor for the agent: a loop that reads with psutil what the agent reads, once a second, and does nothing else."""

import time

import psutil


def main() -> None:
    """Until it is ended."""
    beat = time.monotonic()
    while True:
        psutil.cpu_times(percpu=True)
        psutil.virtual_memory()
        psutil.swap_memory()
        psutil.disk_io_counters(perdisk=True, nowrap=True)
        beat += 1.0
        time.sleep(max(0.0, beat - time.monotonic()))


if __name__ == "__main__":
    main()
